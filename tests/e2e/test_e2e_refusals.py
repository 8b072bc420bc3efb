"""Rubbish in: every bad request is a problem document that says what is wrong, and nothing is stored for it."""

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import pytest_asyncio
from e2e_client import Answer, Deployment, Run, Swarms
from e2e_script import Script

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNKNOWN = "0123456789abcdef"


async def stored(deployment: Deployment) -> tuple[set[str], set[str]]:
    """What is stored: the swarms that are listed, and the folders where they can be seen."""
    ids: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        page = await deployment.get("swarms?limit=200" + (f"&cursor={cursor}" if cursor else ""))
        ids |= {item["swarm_id"] for item in page["items"]}
        cursor = page["cursor"]
    return ids, deployment.folders()


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def nothing_is_stored(deployment: Deployment) -> AsyncIterator[None]:
    before = await stored(deployment)
    yield
    assert await stored(deployment) == before


def refused(answer: Answer, *statuses: int) -> None:
    """The answer is a problem document with one of these statuses, short enough to be read."""
    assert answer.status in statuses, answer
    assert answer.type == "application/problem+json", answer
    assert answer.body["status"] == answer.status
    assert answer.body["title"]
    assert 0 < len(answer.body["detail"]) <= 2_000, answer.body["detail"][:300]
    assert "Traceback" not in answer.body["detail"]


def document(**fields: Any) -> dict[str, Any]:
    return {"directive": "Do it", "context": [{"name": "a.md", "content": "text", **fields}]}


def limited(**limits: Any) -> dict[str, Any]:
    return {"directive": "Do it", "limits": limits}


def binary(data: bytes) -> dict[str, Any]:
    return document(content=base64.b64encode(data).decode(), encoding="base64")


BODIES: dict[str, Any] = {
    "no directive": {},
    "an empty directive": {"directive": ""},
    "a blank directive": {"directive": " \n\t\u00a0"},
    "a directive of 1 MB": {"directive": "x" * 1_000_000},
    "a directive that is a number": {"directive": 7},
    "a directive that is null": {"directive": None},
    "a directive that is a list": {"directive": ["a"]},
    "an unknown field": {"directive": "Do it", "user_id": "somebody"},
    "an unknown field with a long name": {"directive": "Do it", "y" * 100_000: 1},
    "an unknown limit": limited(wishes=3),
    "a limit that is negative": limited(nodes=-1),
    "a limit that is zero": limited(nodes=0),
    "a limit over the bound": limited(depth=9),
    "a limit that is text": limited(nodes="many"),
    "a limit that is a fraction": limited(nodes=1.5),
    "a limit that is huge": limited(tokens=10**400),
    "a cost that is negative": limited(cost_usd=-0.01),
    "limits that are a list": {"directive": "Do it", "limits": []},
    "too few nodes to do anything": limited(nodes=1),
    "too few calls to do anything": limited(calls=5),
    "too few tokens to do anything": limited(tokens=3_899),
    "limits too small for the context": {**document(), "limits": {"nodes": 1}},
    "context that is text": {"directive": "Do it", "context": "a.md"},
    "17 documents": {"directive": "Do it", "context": [{"name": f"{n}.md", "content": "x"} for n in range(17)]},
    "a document without content": {"directive": "Do it", "context": [{"name": "a.md"}]},
    "a document without a name": document(name=""),
    "a document whose name is too long": document(name="n" * 121),
    "a document with an unknown field": document(path="/etc/passwd"),
    "a document with an unknown encoding": document(encoding="rot13"),
    "an empty document": document(content=" \n"),
    "a document of invalid base64": document(content="not base64!", encoding="base64"),
    "base64 with half a group": document(content="QUJ", encoding="base64"),
    "a picture": binary(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
    "a PDF": binary(b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n"),
    "text with a NUL": document(content="a\x00b"),
    "a document over 1 MiB": document(content="x" * 1_048_577),
    "documents over 2 MiB in all": {
        "directive": "Do it",
        "context": [{"name": f"{n}.md", "content": "x" * 700_000} for n in range(4)],
    },
    "a list": [],
    "text": "Do it",
    "null": None,
}

RAW = {
    "nothing": b"",
    "no JSON": b"directive=Do+it",
    "half of a JSON object": b'{"directive": "Do',
    "two JSON objects": b'{"directive": "a"} {"directive": "b"}',
    "bytes that are no UTF-8": b'{"directive": "\xff\xfe"}',
    "half of a surrogate pair": b'{"directive": "\\ud800"}',
    "a cost that is no number": b'{"directive": "Do it", "limits": {"cost_usd": NaN}}',
    "a cost without end": b'{"directive": "Do it", "limits": {"cost_usd": Infinity}}',
    "lists as deep as they go": b'{"directive": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_cannot_be_used(deployment: Deployment, name: str) -> None:
    refused(await deployment.call("POST", "swarms", json=BODIES[name]), 400, 413)


@pytest.mark.parametrize("name", RAW)
async def test_a_body_that_cannot_be_read(deployment: Deployment, name: str) -> None:
    answer = await deployment.call("POST", "swarms", data=RAW[name], headers={"Content-Type": "application/json"})
    refused(answer, 400, 413)


async def test_a_body_that_is_compressed(deployment: Deployment) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await deployment.call("POST", "swarms", data=gzip.compress(b'{"directive": "Do it"}'), headers=headers)
    refused(answer, 415)
    assert "uncompressed" in answer.body["detail"]


@pytest.mark.parametrize("name", ["Idempotency-Key", "If-Match", "X-Whatever", "Content-Type"])
async def test_a_header_that_is_no_utf8(deployment: Deployment, name: str) -> None:
    """The standard library sends header values as Latin-1; no host may make a server error of that."""
    headers = {"Content-Type": "application/json", name: "caf\u00e9"}
    if deployment.key:
        headers["Authorization"] = f"Bearer {deployment.key}"
    url = f"{deployment.url}/api/v1/swarms"
    request = Request(url, b'{"directive": ""}', headers)
    with pytest.raises(HTTPError) as answer:
        await asyncio.to_thread(urlopen, request)
    with answer.value:
        assert answer.value.code in {400, 415}


async def test_a_body_that_is_too_big(deployment: Deployment) -> None:
    refused(await deployment.call("POST", "swarms", json={"directive": "x" * 5_000_000}), 400, 413)


IDS = {
    "unknown": UNKNOWN,
    "reserved": "account",
    "reserved for the system": "system",
    "with an underscore": "local_0123",
    "with a slash": "a%2Fb",
    "with a backslash": "a%5Cb",
    "dots": "%2E%2E",
    "a way up": "..%2F..%2Fetc",
    "upper case": "ABCDEF",
    "overlong": "a" * 300,
    "unicode": "%C3%A9t%C3%A9",
    "no UTF-8": "%FF%FE",
    "a NUL": "a%00b",
    "a line break": "a%0Ab",
    "a space": "%20",
    "a question mark": "a%3Fb",
    "a number sign": "a%23b",
    "SQL": "x'%20OR%20'1'%3D'1",
}
PATHS = (
    ("GET", ""),
    ("GET", "/tree"),
    ("GET", "/events"),
    ("GET", "/questions"),
    ("GET", "/artifacts"),
    ("GET", "/nodes/0"),
    ("GET", "/artifacts/0-0/content"),
    ("POST", "/cancel"),
    ("POST", "/pause"),
    ("POST", "/resume"),
    ("POST", "/questions/0-0.0/answer"),
)


@pytest.mark.parametrize("name", IDS)
async def test_an_id_of_no_swarm(deployment: Deployment, name: str) -> None:
    for method, path in PATHS:
        options = {"json": {"answer": "x"}} if path.endswith("answer") else {}
        refused(await deployment.call(method, f"swarms/{IDS[name]}{path}", **options), 400, 404)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asking(scripted: Callable[[], Swarms]) -> AsyncIterator[Run]:
    """A swarm that waits for an answer, and stays as it is whatever is sent to it."""
    run = await scripted()("Paint", Script({"Paint": ["Ask which colour."]}))
    await run.question()
    before = await run.get("/tree"), await run.questions(), await run.get()
    yield run
    assert (await run.get("/tree"), await run.questions(), await run.get()) == before
    await run.post("/cancel")
    await run.ended()


async def test_ids_below_a_swarm(asking: Run) -> None:
    for name, bad in IDS.items():
        for path in (f"/nodes/{bad}", f"/artifacts/{bad}/content"):
            answer = await asking.deployment.call("GET", f"swarms/{asking.swarm_id}{path}")
            assert answer.status in {400, 404}, (name, path, answer)
            refused(answer, 400, 404)
        refused(await asking.post(f"/questions/{bad}/answer", {"answer": "Red"}), 400, 404)


async def test_answers_that_cannot_be_used(asking: Run) -> None:
    (question,) = await asking.questions()
    path = f"/questions/{question['question_id']}/answer"
    bodies: list[object] = [{}, [], {"reply": "Red"}, {"answer": "Red", "state": "answered"}]
    bodies += [{"answer": given} for given in ("", "  ", 7, None, "x" * 8_001)]
    for body in bodies:
        refused(await asking.post(path, body), 400)


async def test_query_parameters_that_cannot_be_used(asking: Run) -> None:
    bad = [
        *(f"/events?after={value}" for value in ("-1", "x", "1.5", "", "1e3", "9" * 40)),
        *(f"/events?limit={value}" for value in ("0", "-5", "1001", "all", "")),
        *(f"/events?wait={value}" for value in ("-1", "26", "nan", "inf", "soon", "")),
    ]
    for path in bad:
        refused(await asking.deployment.call("GET", f"swarms/{asking.swarm_id}{path}"), 400)
    for query in ("limit=0", "limit=-1", "limit=201", "limit=x", "cursor=x", "cursor=%00", "cursor=" + "A" * 1_000):
        refused(await asking.deployment.call("GET", f"swarms?{query}"), 400)


async def test_methods_and_addresses_that_are_not_there(local: Deployment) -> None:
    refused(await local.call("PUT", "swarms", json={"directive": "Do it"}), 405)
    refused(await local.call("POST", f"swarms/{UNKNOWN}/tree"), 405)
    refused(await local.call("GET", "nothing/here"), 404)
    refused(await local.call("GET", "swarms/../../admin"), 404)


async def test_many_bad_requests_at_once(deployment: Deployment) -> None:
    answers = await asyncio.gather(*(deployment.call("POST", "swarms", json={"directive": n}) for n in range(50)))
    for answer in answers:
        refused(answer, 400)
    assert (await deployment.get("health"))["status"] == "ok"
