"""Four small projects as people write them: a command line, data, asyncio, Flask with SQLite. All their tests pass."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Project:
    """Files, and how many tests there are in them."""

    name: str
    tests: int
    files: dict[str, str] = field(repr=False)


COMMAND_LINE = Project(
    "command line",
    4,
    {
        "notes/__init__.py": '"""Notes in a JSON file."""\n',
        "notes/store.py": """
import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Note:
    title: str
    done: bool = False


class Store:
    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> list[Note]:
        return [Note(**one) for one in json.loads(self.path.read_text())] if self.path.exists() else []

    def save(self, notes: list[Note]) -> None:
        self.path.write_text(json.dumps([asdict(note) for note in notes], indent=2))
""",
        "notes/__main__.py": """
import argparse
import sys
from pathlib import Path

from notes.store import Note, Store


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("notes")
    parser.add_argument("--file", type=Path, default=Path("notes.json"))
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("add").add_argument("title")
    commands.add_parser("list")
    commands.add_parser("done").add_argument("number", type=int)
    options = parser.parse_args(argv)
    store = Store(options.file)
    notes = store.load()
    if options.command == "add":
        notes.append(Note(options.title))
    elif options.command == "done":
        if not 1 <= options.number <= len(notes):
            print(f"there is no note {options.number}", file=sys.stderr)
            return 1
        notes[options.number - 1].done = True
    else:
        for number, note in enumerate(notes, 1):
            print(f"{number}. [{'x' if note.done else ' '}] {note.title}")
    store.save(notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
""",
        "tests/test_notes.py": """
import subprocess
import sys

import pytest

from notes.__main__ import main


def run(tmp_path, *arguments):
    return main(["--file", str(tmp_path / "notes.json"), *arguments])


def test_added_notes_are_listed(tmp_path, capsys):
    run(tmp_path, "add", "buy milk")
    run(tmp_path, "add", "sleep")
    assert run(tmp_path, "list") == 0
    assert capsys.readouterr().out == "1. [ ] buy milk\\n2. [ ] sleep\\n"


def test_done_marks_a_note(tmp_path, capsys):
    run(tmp_path, "add", "x")
    run(tmp_path, "done", "1")
    run(tmp_path, "list")
    assert "[x] x" in capsys.readouterr().out


def test_usage_is_an_error(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        run(tmp_path, "remove")
    assert caught.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-m", "notes", "--file", str(tmp_path / "n.json"), "done", "4"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "there is no note 4\\n")
""",
    },
)

DATA = Project(
    "data",
    8,
    {
        "sales.csv": "day,region,amount\n2026-01-05,north,10.50\n2026-01-06,south,20\n"
        "2026-02-01,north,7.25\n2026-02-03,,1\n",
        "report.py": """
import csv
import io
import json
import re
import statistics
import zipfile
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path


def read(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield date.fromisoformat(row["day"]), row["region"] or "unknown", Decimal(row["amount"])


def by_month(rows):
    sums = defaultdict(Decimal)
    for day, _, amount in rows:
        sums[day.strftime("%Y-%m")] += amount
    return dict(sums)


def by_region(rows):
    return Counter(region for _, region, _ in rows)


def spread(rows):
    return statistics.pstdev(float(amount) for _, _, amount in rows)


def as_json(rows):
    return json.dumps({month: str(total) for month, total in sorted(by_month(rows).items())})


def packed(text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", text)
    return buffer.getvalue()


def numbers(text):
    return [int(found) for found in re.findall(r"-?\\d+", text)]
""",
        "test_report.py": """
import hashlib
import io
import itertools
import sqlite3
import zipfile
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

import pytest

import report

ROWS = list(report.read("sales.csv"))


def test_months():
    assert report.by_month(ROWS) == {"2026-01": Decimal("30.50"), "2026-02": Decimal("8.25")}


def test_regions():
    assert report.by_region(ROWS).most_common(1) == [("north", 2)]
    assert report.by_region(ROWS)["unknown"] == 1


def test_spread():
    assert report.spread(ROWS) == pytest.approx(6.863, abs=0.01)


def test_json():
    assert report.as_json(ROWS) == '{"2026-01": "30.50", "2026-02": "8.25"}'


def test_zip():
    with zipfile.ZipFile(io.BytesIO(report.packed("[]" * 500))) as archive:
        assert archive.read("report.json") == b"[]" * 500


def test_sql():
    base = sqlite3.connect(":memory:")
    base.execute("create table sale (day text, region text, amount real)")
    base.executemany("insert into sale values (?, ?, ?)", [(str(d), r, float(a)) for d, r, a in ROWS])
    query = "select region, sum(amount) over (partition by region) from sale order by amount desc"
    assert base.execute(query).fetchone() == ("south", 20.0)


def test_hash():
    assert hashlib.sha256(b"x").hexdigest()[:8] == "2d711642"


@pytest.mark.parametrize("text", ["1, 2 and -3"])
def test_numbers(text):
    assert list(itertools.accumulate(report.numbers(text))) == [1, 3, 0]
""",
    },
)

ASYNCIO = Project(
    "asyncio",
    6,
    {
        "pipeline.py": """
import asyncio
from collections.abc import AsyncIterator


class Pipeline:
    def __init__(self, workers: int = 3) -> None:
        self.queue: asyncio.Queue[int | None] = asyncio.Queue(maxsize=4)
        self.results: list[int] = []
        self.workers = workers

    async def work(self) -> None:
        while (item := await self.queue.get()) is not None:
            await asyncio.sleep(0.001)
            self.results.append(item * item)

    async def run(self, items) -> list[int]:
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self.work())
            for item in items:
                await self.queue.put(item)
            for _ in range(self.workers):
                await self.queue.put(None)
        return sorted(self.results)


async def ticks(count: int) -> AsyncIterator[int]:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


async def slow() -> str:
    await asyncio.sleep(30)
    return "late"
""",
        "test_pipeline.py": """
import asyncio
import time

import pytest

from pipeline import Pipeline, slow, ticks


def test_squares():
    assert asyncio.run(Pipeline().run(range(10))) == [n * n for n in range(10)]


def test_timeout():
    async def wait():
        async with asyncio.timeout(0.02):
            await slow()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(wait())
    assert time.monotonic() - began < 5


def test_cancel():
    async def cancelled():
        task = asyncio.create_task(slow())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelled()
    assert asyncio.run(cancelled())


def test_generator():
    async def collect():
        return [tick async for tick in ticks(4)]
    assert asyncio.run(collect()) == [0, 1, 2, 3]


def test_to_thread():
    async def threaded():
        return await asyncio.gather(asyncio.to_thread(sum, [1, 2]), asyncio.to_thread(max, [1, 2]))
    assert asyncio.run(threaded()) == [3, 2]


def test_events_and_locks():
    async def order():
        seen, event, lock = [], asyncio.Event(), asyncio.Lock()
        async def waits():
            await event.wait()
            async with lock:
                seen.append("waited")
        async with asyncio.TaskGroup() as group:
            group.create_task(waits())
            await asyncio.sleep(0.001)
            seen.append("set")
            event.set()
        return seen
    assert asyncio.run(order()) == ["set", "waited"]
""",
    },
)

FLASK = Project(
    "Flask with SQLite",
    7,
    {
        "stockroom/__init__.py": """
from flask import Flask, g, jsonify, redirect, render_template, request, url_for

from stockroom.database import connect


def create_app(path):
    app = Flask(__name__)
    app.config["DATABASE"] = path

    def base():
        if "base" not in g:
            g.base = connect(app.config["DATABASE"])
        return g.base

    @app.teardown_appcontext
    def close(_):
        if "base" in g:
            g.pop("base").close()

    @app.get("/")
    def index():
        items = base().execute("select name, count from item order by name").fetchall()
        return render_template("list.html", items=items)

    @app.post("/items")
    def add():
        name, count = request.form["name"].strip(), int(request.form.get("count", 1))
        if not name or count < 0:
            return jsonify(error="a name, and a count of 0 or more"), 400
        base().execute(
            "insert into item values (?, ?) on conflict do update set count = count + ?",
            (name, count, count),
        )
        base().commit()
        return redirect(url_for("index"))

    @app.get("/api/items/<name>")
    def item(name):
        row = base().execute("select count from item where name = ?", (name,)).fetchone()
        return jsonify(name=name, count=row[0]) if row else (jsonify(error="no such item"), 404)

    return app
""",
        "stockroom/database.py": """
import sqlite3


def connect(path):
    base = sqlite3.connect(path)
    base.execute("create table if not exists item (name text primary key, count integer not null)")
    return base
""",
        "stockroom/templates/base.html": "{% block title %}{% endblock %}\n<hr>{% block body %}{% endblock %}\n",
        "stockroom/templates/list.html": """{% extends "base.html" %}
{% block title %}Stock{% endblock %}
{% block body %}<ul>
{% for name, count in items %}<li>{{ name }}: {{ count }}</li>{% else %}<li>empty</li>{% endfor %}
</ul>{% endblock %}
""",
        "stockroom/static/style.css": "li { color: green }\n",
        "tests/conftest.py": """
import pytest

from stockroom import create_app


@pytest.fixture
def client(tmp_path):
    return create_app(tmp_path / "stock.db").test_client()
""",
        "tests/test_stockroom.py": """
import pytest


def test_nothing_yet(client):
    assert "<li>empty</li>" in client.get("/").text


def test_added_items_are_shown(client):
    answer = client.post("/items", data={"name": "bolts", "count": "12"}, follow_redirects=True)
    assert answer.status_code == 200
    assert "<li>bolts: 12</li>" in answer.text


def test_counts_add_up_and_stay_in_the_file(client):
    for _ in range(3):
        client.post("/items", data={"name": "nuts", "count": "2"})
    assert client.get("/api/items/nuts").json == {"name": "nuts", "count": 6}


def test_names_are_escaped(client):
    client.post("/items", data={"name": "<b>", "count": "1"})
    assert "&lt;b&gt;" in client.get("/").text


@pytest.mark.parametrize(("form", "status"), [({"name": " "}, 400), ({"count": "1"}, 400)])
def test_bad_forms(client, form, status):
    assert client.post("/items", data=form).status_code == status


def test_static_and_missing(client):
    assert "green" in client.get("/static/style.css").text
    assert client.get("/api/items/none").status_code == 404
""",
    },
)

PROJECTS = [COMMAND_LINE, DATA, ASYNCIO, FLASK]
