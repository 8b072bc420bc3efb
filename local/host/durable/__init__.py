"""Durable Functions on one machine: the host's side of the classic out-of-process protocol, kept in SQLite."""
