"""The app root that the benchmark's host serves: the product's own app, with its bounds on concurrency lifted."""
