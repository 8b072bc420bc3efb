"""Recall, remember, and read what other nodes reported."""
