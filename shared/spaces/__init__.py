"""Metadata trees of folders and leaves, and the router that searches them."""
