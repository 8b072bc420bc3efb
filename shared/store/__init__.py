"""The store port: where all state lies, and the typed documents on top of it."""

from shared.store.port import Category, Condition, IfAbsent, IfEtag, Page, Store, Stored

__all__ = ["Category", "Condition", "IfAbsent", "IfEtag", "Page", "Store", "Stored"]
