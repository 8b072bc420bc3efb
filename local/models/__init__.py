"""The offline model: a small open model fetched once, kept in a cache and served on loopback."""
