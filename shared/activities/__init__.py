"""The bodies of the durable activities: load, perform, store. Typed input, small typed output."""
