"""The database and its one container, as infrastructure creates them and as the adapter finds them.

`infra/` and the local start-up create what is written here; no request does.
"""

from typing import Any, Final

DATABASE: Final = "swarmstar"
CONTAINER: Final = "swarms"

#: Its value is `{user_id}_{swarm_id}`: one logical partition per swarm space.
PARTITION_KEY_PATH: Final = "/pk"
#: Of the partition key's hash; 2 takes values over 101 bytes.
PARTITION_KEY_VERSION: Final = 2

#: Items live on unless they carry a `ttl` in seconds of their own.
DEFAULT_TTL: Final = -1

#: What queries filter and sort by. The composite index serves a scan: filter, order and continuation.
INDEXED_PATHS: Final = ("/pk/?", "/category/?", "/seq/?", "/key/?")
SCAN_ORDER: Final = ("/pk", "/category", "/seq", "/key")

INDEXING_POLICY: Final[dict[str, Any]] = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": path} for path in INDEXED_PATHS],
    "excludedPaths": [{"path": "/*"}],
    "compositeIndexes": [[{"path": path, "order": "ascending"} for path in SCAN_ORDER]],
}
