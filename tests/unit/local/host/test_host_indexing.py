"""Which apps are loaded and which are refused, and why."""

import sys

import pytest

from local.host import indexing
from local.host.indexing import IndexingError

HEAD = """
import azure.durable_functions as df
import azure.functions as func
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Writes a `function_app.py` and indexes it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "function_app", raising=False)

    def index(body, head=HEAD):
        (tmp_path / "function_app.py").write_text(head + body)
        return indexing.load(tmp_path)

    yield index
    sys.modules.pop("function_app", None)


def test_bindings_are_read(load):
    functions = load("""
@app.route("start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client, context): ...

@app.activity_trigger(input_name="n", activity="Alias")
def work(n: int): ...
""")
    start, work = functions
    assert (start.name, start.trigger.type, start.is_async, start.wants_context) == ("start", "httpTrigger", True, True)
    assert start.trigger.properties["route"] == "start/{name}"
    assert {binding.type for binding in start.bindings} == {"httpTrigger", "http", "durableClient"}
    assert (work.durable_name, work.is_async, work.wants_context) == ("Alias", False, False)


def test_blueprints_are_merged_and_an_app_may_be_indexed_twice(load, tmp_path):
    body = """
blueprint = df.Blueprint()

@blueprint.activity_trigger(input_name="n")
def work(n): ...

app.register_functions(blueprint)
"""
    assert [function.name for function in load(body)] == ["work"]
    assert [function.name for function in indexing.load(tmp_path)] == ["work"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("@app.entity_trigger(context_name='context')\ndef counter(context): ...", "'counter'.*'entityTrigger'"),
        (
            "@app.queue_trigger(arg_name='m', queue_name='q', connection='C')\ndef listen(m: str): ...",
            "'listen'.*'queueTrigger'",
        ),
        ("@app.activity_trigger(input_name='n')\ndef work(m): ...", r"'work'.*\['m'\].*\['n'\]"),
        ("@app.orchestration_trigger(context_name='ctx')\ndef flow(ctx): yield", "'flow'.*must be 'context'"),
        ("@app.orchestration_trigger(context_name='context')\nasync def flow(context): ...", "'flow'.*generator"),
        (
            "@app.route()\n@app.durable_client_input(client_name='client')\ndef go(req, client): ...",
            "'go'.*async def",
        ),
        (
            "@app.activity_trigger(input_name='n', activity='Same')\ndef one(n): ...\n"
            "@app.activity_trigger(input_name='n', activity='same')\ndef two(n): ...",
            "'one' and 'two'",
        ),
        ("other = df.DFApp()", "exactly one app"),
    ],
)
def test_what_cannot_run_here_is_refused_by_name(load, body, message):
    with pytest.raises(IndexingError, match=message):
        load(body)


def test_a_folder_without_an_app_is_refused(tmp_path):
    with pytest.raises(IndexingError, match="--root"):
        indexing.load(tmp_path)


def test_an_app_without_an_app_object_is_refused(load):
    with pytest.raises(IndexingError, match="exactly one app"):
        load("", head="x = 1\n")


def test_a_renamed_durable_function_is_warned_about(load, caplog):
    load("@app.activity_trigger(input_name='n', activity='Alias')\ndef work(n): ...")
    assert "call work by its durable name 'Alias'" in caplog.text
