"""Between a node and the model port: limits of calls in flight, leases of slots, backoff and short retries."""
