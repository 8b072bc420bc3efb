"""The store port over Cosmos DB for NoSQL: one container, one logical partition per swarm space."""

from shared.adapters.cosmos.access import CosmosAccess
from shared.adapters.cosmos.store import CosmosStore

__all__ = ["CosmosAccess", "CosmosStore"]
