"""Swarms started by webhook: the stored hook, signatures of deliveries, payloads, and the use cases."""
