"""Test helpers for whoever builds actions: a model that answers from a list, and a memory that holds what it is given.

Nothing of the product imports them. They need no test framework and no connection.
"""

from shared.testing.context import action_context, asked_before
from shared.testing.memory import FakeMemory
from shared.testing.model import Asked, FakeModel

__all__ = ["Asked", "FakeMemory", "FakeModel", "action_context", "asked_before"]
