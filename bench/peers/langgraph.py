"""LangGraph: a manager is a graph that plans, fans out by `Send` and reviews; its children are subgraphs or leaves.

State is kept by `AsyncSqliteSaver` as it ships (WAL, SQLite's default `synchronous=FULL`, a commit for each
checkpoint), with the durability mode that `ainvoke` is given.
"""

import json
import operator
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from bench.peers.model import Ask
from bench.workload import Workload, place_of


class ManagerState(TypedDict, total=False):
    """What a manager knows: its directive, its plan, and what its children left."""

    directive: str
    plan: list[str]
    reports: Annotated[list[str], operator.add]
    nodes: Annotated[int, operator.add]
    report: str


class LeafState(TypedDict):
    """What a leaf knows."""

    directive: str


async def run_langgraph(ask: Ask, workload: Workload, folder: Path) -> int:
    """Run the tree with the checkpointer's default durability, `async`."""
    return await _run(ask, workload, folder, "async")


async def run_langgraph_sync(ask: Ask, workload: Workload, folder: Path) -> int:
    """Run the tree with every step durable before the next, as the other systems have it."""
    return await _run(ask, workload, folder, "sync")


async def _run(ask: Ask, workload: Workload, folder: Path, durability: Literal["sync", "async"]) -> int:
    async with AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver:
        graph = _manager(ask, workload.d, saver)
        config = {"configurable": {"thread_id": uuid.uuid4().hex}, "max_concurrency": None}
        ended = await graph.ainvoke({"directive": workload.root.directive}, config, durability=durability)
    return int(ended["nodes"])


def _manager(ask: Ask, levels: int, saver: AsyncSqliteSaver | None = None) -> Any:
    """The graph of a manager with that many levels below it; only the top one names the checkpointer."""

    async def plan(state: ManagerState) -> dict[str, Any]:
        answer = await ask("plan", place_of(state["directive"]), [])
        return {"plan": json.loads(answer)["sub_directives"], "nodes": 1}

    def fan_out(state: ManagerState) -> list[Send]:
        return [Send("child", {"directive": directive}) for directive in state["plan"]]

    async def review(state: ManagerState) -> dict[str, Any]:
        answer = await ask("review", place_of(state["directive"]), state["reports"])
        return {"report": json.loads(answer)["report"]}

    async def leaf(state: LeafState) -> dict[str, Any]:
        return {"reports": [await ask("write", place_of(state["directive"]), [])], "nodes": 1}

    builder = StateGraph(ManagerState)
    builder.add_node("plan", plan)
    builder.add_node("child", leaf if levels == 1 else _below(ask, levels - 1))
    builder.add_node("review", review)
    builder.add_edge(START, "plan")
    builder.add_conditional_edges("plan", fan_out, ["child"])
    builder.add_edge("child", "review")
    builder.add_edge("review", END)
    return builder.compile(checkpointer=saver)


def _below(ask: Ask, levels: int) -> Any:
    """A node that runs a manager's graph and hands its report up, as the documentation has it for other state."""
    graph = _manager(ask, levels)

    async def child(state: LeafState) -> dict[str, Any]:
        ended = await graph.ainvoke({"directive": state["directive"]})
        return {"reports": [ended["report"]], "nodes": ended["nodes"]}

    return child
