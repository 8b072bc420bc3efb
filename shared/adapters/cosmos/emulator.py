"""What the emulator alone needs. A real account never meets any of it: see `CosmosAccess.emulator`.

`@vercel/cosmosdb-server` knows one endpoint and answers 500 to a point read of a missing item, unless the request
says that it may cross partitions. It also takes no notice of the partition in queries and knows no transactional
batch: nothing here helps with that, so every query names its partition and nothing needs a batch.
"""

from typing import Any, Final

CLIENT_OPTIONS: Final[dict[str, Any]] = {
    "enable_endpoint_discovery": False,
    "headers": {"x-ms-documentdb-query-enablecrosspartition": "true"},
}
