"""The product: everything Swarm Star does, free of any Azure Functions binding."""
