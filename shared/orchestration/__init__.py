"""The durable orchestrations as plain generators over a small context Protocol."""
