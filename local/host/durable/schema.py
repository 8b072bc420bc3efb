"""The tables of the state file and the rows of an orchestration in them."""

from typing import Any

from local.host.durable.model import Instance
from local.host.durable.protocol import encode

#: Raised with every change of the tables; a file of another format is refused.
FORMAT = 1

SCHEMA = """
CREATE TABLE instances (
  id INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
  parent TEXT, created TEXT NOT NULL,
  execution_id TEXT NOT NULL, generation INTEGER NOT NULL, status TEXT NOT NULL, updated TEXT NOT NULL,
  finished TEXT, input TEXT, output TEXT, custom_status TEXT, history_events INTEGER NOT NULL,
  history_bytes INTEGER NOT NULL, state TEXT
);
CREATE INDEX instances_by_name ON instances (instance_id);
CREATE INDEX instances_by_end ON instances (finished);
CREATE TABLE history (
  instance INTEGER, generation INTEGER, chunk INTEGER, events TEXT NOT NULL,
  PRIMARY KEY (instance, generation, chunk)
) WITHOUT ROWID;
CREATE TABLE inbox (
  id INTEGER PRIMARY KEY, instance INTEGER NOT NULL, kind INTEGER NOT NULL, generation INTEGER NOT NULL,
  task_id INTEGER NOT NULL, name TEXT NOT NULL, body TEXT
);
CREATE TABLE work (
  id INTEGER PRIMARY KEY, instance INTEGER NOT NULL, generation INTEGER NOT NULL, task_id INTEGER NOT NULL,
  name TEXT NOT NULL, input TEXT, crashes INTEGER NOT NULL
);
CREATE TABLE timers (
  id INTEGER PRIMARY KEY, instance INTEGER NOT NULL, generation INTEGER NOT NULL, task_id INTEGER NOT NULL,
  fire_at TEXT NOT NULL
);
CREATE TABLE schedules (name TEXT PRIMARY KEY, last TEXT, next TEXT NOT NULL);
CREATE TABLE totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""

INSERT_INSTANCE = "INSERT INTO instances VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
UPDATE_INSTANCE = (
    "UPDATE instances SET execution_id=?, generation=?, status=?, updated=?, finished=?, input=?, output=?, "
    "custom_status=?, history_events=?, history_bytes=?, state=? WHERE id=?"
)
REPLACE_HISTORY = "DELETE FROM history WHERE instance IN (SELECT id FROM instances WHERE instance_id=? AND id<?)"
REPLACE_INSTANCE = "DELETE FROM instances WHERE instance_id=? AND id<?"
ADD_TOTAL = "INSERT INTO totals VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value=value+excluded.value"

Row = tuple[Any, ...]


def whole_row(instance: Instance) -> Row:
    """The values of `INSERT_INSTANCE`."""
    parent = instance.parent
    link = encode([parent.instance_id, parent.execution_id, parent.task_id]) if parent else None
    fixed = (
        instance.row,
        instance.instance_id,
        instance.name,
        instance.version,
        link,
        instance.created,
    )
    return fixed + changing_row(instance)


def changing_row(instance: Instance) -> Row:
    """Of those, the values that `UPDATE_INSTANCE` sets."""
    return (
        instance.execution_id,
        instance.generation,
        instance.status.value,
        instance.updated,
        instance.finished,
        instance.input,
        instance.output,
        instance.custom_status,
        instance.history_events,
        instance.history_bytes,
        None if instance.finished else instance.dump_state(),
    )
