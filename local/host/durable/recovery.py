"""Reads back from the state file what was going on when the host ended."""

import json
from dataclasses import dataclass

from local.host.durable.activities import Work
from local.host.durable.model import Instance, Kind, Message, Parent
from local.host.durable.schema import Row
from local.host.durable.storage import Storage

_UNFINISHED = (
    "SELECT id, instance_id, name, version, parent, created, execution_id, generation, updated, input, custom_status, "
    "history_events, history_bytes, state FROM instances WHERE finished IS NULL ORDER BY id"
)


@dataclass(frozen=True, slots=True)
class Timer:
    """A durable timer that has not fired."""

    row: int
    instance: Instance
    task_id: int
    fire_at: str


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that goes on."""

    instances: dict[str, Instance]
    work: list[Work]
    timers: list[Timer]


def recover(storage: Storage) -> Found:
    """Read all running instances with their inboxes, work and timers."""
    rows = {row[0]: _instance(row) for row in storage.query(_UNFINISHED)}
    instances = {instance.instance_id: instance for instance in rows.values()}
    for instance in instances.values():
        if instance.parent is not None:
            instance.parent.instance = instances.get(instance.parent.instance_id)
    for row in storage.query("SELECT * FROM inbox ORDER BY id"):
        _add_message(rows, row)
    work = [
        Work(row, rows[owner], generation, task_id, name, body, recovered=True, crashes=crashes)
        for row, owner, generation, task_id, name, body, crashes in storage.query("SELECT * FROM work ORDER BY id")
    ]
    timers = [
        Timer(row, rows[owner], task_id, fire_at)
        for row, owner, _, task_id, fire_at in storage.query("SELECT * FROM timers ORDER BY id")
    ]
    return Found(instances, work, timers)


def _instance(row: Row) -> Instance:
    (
        number,
        instance_id,
        name,
        version,
        parent,
        created,
        execution_id,
        generation,
        updated,
        body,
        custom_status,
        events,
        size,
        state,
    ) = row
    instance = Instance(
        number,
        instance_id,
        name,
        version,
        execution_id,
        body,
        created,
        updated,
        parent=Parent(None, *json.loads(parent)) if parent else None,
        generation=generation,
        custom_status=custom_status,
        history_events=events,
        history_bytes=size,
        stored=True,
    )
    instance.restore_state(state)
    return instance


def _add_message(rows: dict[int, Instance], row: Row) -> None:
    number, owner, kind, generation, task_id, name, body = row
    rows[owner].inbox.append(Message(number, Kind(kind), generation, task_id, name, body))
