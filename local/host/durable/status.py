"""What the client API says of an orchestration, made from its row in the state file."""

import json
from typing import Any

from local.host.durable.protocol import EventType
from local.host.durable.schema import Row
from local.host.durable.storage import Storage

_NAMES = (
    "id",
    "instance_id",
    "name",
    "version",
    "status",
    "created",
    "updated",
    "generation",
    "input",
    "output",
    "custom_status",
)
COLUMNS = ", ".join(_NAMES)
_OUTPUTS = ("Result", "Input", "Details")


def row_of(row: Row) -> dict[str, Any]:
    """A row of `COLUMNS` by name."""
    return dict(zip(_NAMES, row, strict=True))


def document(row: dict[str, Any], with_input: bool) -> dict[str, Any]:
    """The status object."""
    return {
        "name": row["name"],
        "instanceId": row["instance_id"],
        "runtimeStatus": row["status"],
        "input": _value(row["input"]) if with_input else None,
        "customStatus": _value(row["custom_status"]),
        "output": _value(row["output"]),
        "createdTime": _whole_seconds(row["created"]),
        "lastUpdatedTime": _whole_seconds(row["updated"]),
    }


def history(storage: Storage, row: dict[str, Any], with_output: bool) -> list[dict[str, Any]]:
    """The stored events of the present generation, with the names of their types."""
    chunks = storage.query(
        "SELECT events FROM history WHERE instance=? AND generation=? ORDER BY chunk",
        (row["id"], row["generation"]),
    )
    events = json.loads(f"[{','.join(chunk[0] for chunk in chunks)}]")
    return [_readable(event, with_output) for event in events]


def _readable(event: dict[str, Any], with_output: bool) -> dict[str, Any]:
    kept = {name: value for name, value in event.items() if with_output or name not in _OUTPUTS}
    return kept | {"EventType": _title(EventType(event["EventType"]).name)}


def _title(name: str) -> str:
    return name.title().replace("_", "")


def _value(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _whole_seconds(stamp: str) -> str:
    return f"{stamp[:19]}Z"
