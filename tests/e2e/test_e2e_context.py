"""What a user hands over: it lands in memory, reaches the prompts of the nodes that need it, and is found again."""

import base64

import pytest
from e2e_client import Swarms
from e2e_script import Asked, Said, Script

from shared.swarm.statuses import Status

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENTS = {
    "guide.md": ("markdown", "# Guide\n\nThe lake loop is 7.5 km long."),
    "tool.py": ("code", "LAKE = 7.5  # km\n"),
    "data.json": ("json", '{"ridge_km": 14}'),
    "table.csv": ("csv", "route,km\nvalley,9\n"),
    "notes.txt": ("text", "The café at the top has ☕ for 3 €."),
}


def given(name: str, content: str) -> dict[str, str]:
    return {"name": name, "content": content}


async def test_each_type_reaches_the_prompt_of_the_leaf(swarms: Swarms) -> None:
    context = [given(name, content) for name, (_, content) in DOCUMENTS.items()]
    script = Script({"Describe the routes": ["Write routes.md with every length."]})
    run = await swarms("Describe the routes", script, context=context)
    ended = await run.ended()

    assert ended.status == "completed"
    assert {doc["name"]: doc["type"] for doc in ended.swarm["context"]} == {
        name: kind for name, (kind, _) in DOCUMENTS.items()
    }
    assert [node.status for node in ended.acting("memory.save_memory")] == [Status.TERMINATED] * len(DOCUMENTS)
    assert {asked.section("Name") for asked in script.of("Description")} == set(DOCUMENTS)
    for asked in (*script.of("Plan"), *script.of("text")):
        known = asked.section("What is known")
        for name, (_, content) in DOCUMENTS.items():
            assert f"[{name}] {content.strip()}" in known
    # The documents are read before the root plans.
    begun = ended.frame("0", "acting")
    assert all(ended.frame(node.node_id, "terminated") < begun for node in ended.acting("memory.save_memory"))


async def test_a_document_in_base64_is_the_same(swarms: Swarms) -> None:
    encoded = base64.b64encode("Grüße: 5 km".encode()).decode()
    script = Script({"Read it": ["Write it.md."]})
    run = await swarms("Read it", script, context=[{"name": "a.txt", "content": encoded, "encoding": "base64"}])
    await run.ended()

    assert "[a.txt] Grüße: 5 km" in script.of("text")[0].section("What is known")


async def test_a_document_too_large_for_the_store_comes_back_from_the_blob(swarms: Swarms) -> None:
    lines = [f"Line {n:04}: nothing of note." for n in range(9_000)]
    lines[6_400] = "The secret word is kumquat."
    text = "\n".join(lines)
    assert 64 * 1024 < len(text) < 1_048_576

    def choose(asked: Asked) -> Said:
        if asked.node_id == "0.1":
            return {"best": asked.option("search memory"), "unviable": [], "confidence": "high"}
        # The document is in parts of 12,000 characters: that line is in the middle of the 16th.
        best = asked.option("References") or _with(asked.section("Options"), "(16 of")
        return {"best": best, "unviable": [], "confidence": "high"}

    def answer(asked: Asked) -> Said:
        found = "kumquat" in asked.section("Memories")
        return {"found": found, "answer": "It is kumquat." if found else "Not there.", "memories": [1]}

    script = Script({"Find the secret word": ["Recall the secret word."]}, ChoiceAnswer=choose, Answer=answer)
    run = await swarms("Find the secret word", script, context=[given("log.txt", text)])
    ended = await run.ended()

    assert ended.swarm["context"][0]["size"] == len(text)
    assert "into 22 memories" in (ended.nodes["0.0"].report or "")
    assert ended.on("Recall the secret word.").report == "It is kumquat.\n\nMemories: 0.0-15"


async def test_a_search_backs_out_of_where_nothing_is(swarms: Swarms) -> None:
    shown: list[str] = []
    wrong = ["User", "doc00"]

    def choose(asked: Asked) -> Said:
        if asked.node_id.count(".") == 1:
            return {"best": asked.option("search memory"), "unviable": [], "confidence": "high"}
        shown.append(options := asked.section("Options"))
        # It falls for a wrong folder and for a wrong group, sees that there is nothing, and is led back.
        best = _with(options, wrong.pop(0)) if wrong and _with(options, wrong[0]) else 0
        best = best or _with(options, "doc15") or _with(options, "References")
        return {"best": best, "unviable": [], "confidence": "low"}

    context = [given(f"doc{n:02}.md", f"Fact {n}: the code of room {n} is {1000 + n}.") for n in range(16)]
    script = Script({"Look it up": ["Recall the code of room 15."]}, ChoiceAnswer=choose)
    ended = await (await swarms("Look it up", script, context=context)).ended()

    assert wrong == []
    (searched,) = script.of("Answer")
    assert "the code of room 15 is 1015" in searched.section("Memories")
    assert "Memories: 0.15-0" in (ended.on("Recall the code of room 15.").report or "")
    # What was left is not on offer any more.
    at_the_top = [options for options in shown if "References" in options]
    assert "[folder] User" in at_the_top[0]
    assert "[folder] User" not in at_the_top[1]


def _with(options: str, name: str) -> int:
    """The number of the option that is or lists a name, 0 if there is none."""
    return next((int(line.split(".")[0]) for line in options.splitlines() if name in line), 0)


async def test_a_search_of_memory_that_finds_nothing_says_so(swarms: Swarms) -> None:
    def choose(asked: Asked) -> Said:
        action = asked.option("search memory") if asked.node_id.count(".") == 1 else 0
        return {"best": action, "unviable": [], "confidence": "high"}

    script = Script({"Look it up": ["Recall the moon's phone number."]}, ChoiceAnswer=choose)
    run = await swarms("Look it up", script, context=[given("a.md", "Fact."), given("b.md", "Fact.")])
    ended = await run.ended()

    recall = ended.on("Recall the moon's phone number.")
    assert (recall.status, recall.complete) == (Status.TERMINATED, False)
    assert recall.report == "Memory holds nothing on this: Recall the moon's phone number."
    assert script.of("Answer") == []


async def test_what_a_node_notes_is_known_to_later_ones(swarms: Swarms) -> None:
    def review(asked: Asked) -> Said:
        first = asked.node_id == "0"
        return {"complete": not first, "missing": "The text is missing." if first else "", "report": "Done."}

    script = Script(
        {"Keep it": ["Note that the key is under the mat."], "The text is missing.": ["Write key.md."]}, Review=review
    )
    ended = await (await swarms("Keep it", script)).ended()

    assert ended.status == "completed"
    assert "the key is under the mat" in script.of("text")[0].section("What is known")


async def test_names_of_documents_are_names_and_not_paths(swarms: Swarms) -> None:
    names = ["../../etc/passwd", "C:\\secret\\plan.md", "a/b/c.csv", "mit Umlaut ü.md", "x" * 120]
    run = await swarms("Read them", Script(), context=[given(name, "text") for name in names])
    ended = await run.ended()

    assert ended.status == "completed"
    listed = [doc["name"] for doc in ended.swarm["context"]]
    assert listed == ["passwd", "plan.md", "c.csv", "mit Umlaut ü.md", "x" * 120]


async def test_the_most_that_may_be_handed_over_is_taken(swarms: Swarms) -> None:
    context = [given(f"{n}.txt", "word " * 26_000) for n in range(16)]
    ended = await (await swarms("Read it all", Script(), context=context)).ended()

    assert ended.status == "completed"
    assert sum(doc["size"] for doc in ended.swarm["context"]) == 16 * 130_000
