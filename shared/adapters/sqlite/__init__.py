"""The store port over SQLite: one folder and one file per swarm space."""

from shared.adapters.sqlite.folder import FILE_NAME
from shared.adapters.sqlite.store import SqliteStore

__all__ = ["FILE_NAME", "SqliteStore"]
