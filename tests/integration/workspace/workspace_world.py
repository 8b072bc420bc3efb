"""A swarm of a few nodes whose workers do nothing but change files, as the node layer would have them do it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.blobs import Blobs
from shared.errors import Conflict, InvalidInput, NotFound
from shared.store import Category, IfAbsent, Store
from shared.store.history import History
from shared.store.nodes import HeldNode, Nodes
from shared.swarm.budget import Lease
from shared.swarm.history import violations
from shared.swarm.node import Claim, Outbox, SwarmNode
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import spawned, transition
from shared.types import SpaceKey
from shared.workspace.draft_files import DraftFiles
from shared.workspace.intake import IncomingFile
from shared.workspace.merge_commit import HeldCurrent, MergeCommits, MergingNode
from shared.workspace.model import EMPTY, Current, DraftEntry, Merge
from shared.workspace.workspace import Conflicted, Workspace, Workspaces

SPACE = SpaceKey("ada", "work")
#: Merges of one node's end, of which the last keeps its conflicts.
MERGES = 3

#: One thing a node does: the name of an operation on its draft, and what it is given.
Step = tuple[str, ...]


@dataclass
class Clock:
    """The time of a test."""

    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class WorkspaceWorld:
    """One swarm's stores, as one process reaches them."""

    store: Store
    blobs: Blobs
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.workspaces = Workspaces(self.store, self.blobs, self.clock)

    @property
    def workspace(self) -> Workspace:
        return self.workspaces.of(SPACE)

    @property
    def nodes(self) -> Nodes:
        return Nodes(self.store, SPACE)

    async def hand_over(self, files: dict[str, bytes]) -> Merge:
        workspace = self.workspace
        return await workspace.hand_over(await workspace.intake([IncomingFile(*file) for file in files.items()]))

    async def create_nodes(self, count: int, workspace: int = 0) -> list[str]:
        """A root that waits for so many children, all of them born."""
        now = self.clock()
        root = SwarmNode(
            node_id="0", parent_id=None, action_id="m", directive="d", lease=Lease(nodes=count + 1), workspace=workspace
        )
        await self.nodes.create(root.evolve(outbox=Outbox(events=(spawned(root, now),))))
        held = await self.nodes.load("0")
        await self.nodes.commit(held, transition(held.node, Operation.EXECUTE, Status.ACTING, now))
        children = [
            SwarmNode(node_id=f"0.{n}", parent_id="0", action_id="a", directive="d", lease=Lease(nodes=1))
            for n in range(count)
        ]
        after = transition(held.node, Operation.SPAWN, Status.WAITING, now, children=children)
        await self.nodes.commit(held, after)
        return [child.node_id for child in children]

    async def files(self) -> dict[str, bytes]:
        """What the workspace holds now."""
        workspace = self.workspace
        tree = await workspace.tree((await workspace.current()).snapshot)
        return {path: await workspace.contents.read(file) for path, file in tree.files.items()}

    async def commits_current(self) -> Current:
        """The current document as it lies there, with what is pending."""
        return (await self._commits.read()).doc

    async def complete_again(self, merge: Merge) -> None:
        """What somebody does who saw a merge pending long ago."""
        held = await self._commits.read()
        with suppress(Conflict):
            await self._commits._complete(HeldCurrent(held.doc, "0"), merge)

    @property
    def _commits(self) -> MergeCommits:
        return MergeCommits(self.store, SPACE, self.workspace.contents, self.clock)

    async def history_faults(self) -> list[str]:
        return violations(await History(self.store, SPACE).read_all())


class Worker:
    """One life of a node's worker, which goes on wherever an earlier one stopped."""

    def __init__(self, world: WorkspaceWorld, node_id: str, steps: Sequence[Step], name: str = "w") -> None:
        self._world = world
        self._node_id = node_id
        self._steps = steps
        self._name = name
        self._held: HeldNode

    async def run(self) -> None:
        """Work until the node has ended. Raises `Conflict` if another worker took the node."""
        nodes = self._world.nodes
        self._held = await nodes.load(self._node_id)
        if not self._held.node.alive:
            return
        claim = Claim(owner=self._name, expires=self._world.clock() + timedelta(seconds=60))
        if self._held.node.status is Status.PENDING:
            after = transition(self._held.node, Operation.EXECUTE, Status.ACTING, self._world.clock(), claim=claim)
            await nodes.commit(self._held, after, clear=False)
        else:
            await nodes.rewrite(self._held, self._held.node.evolve(claim=claim))
        await self._end(await self._work())

    async def _work(self) -> DraftFiles:
        workspace = self._world.workspace
        entries = [await self.journal(0, self.base)]
        files = workspace.files(await workspace.draft(EMPTY, entries))
        for number, step in enumerate(self._steps, 1):
            entry = await self.journal(number, lambda step=step: perform(files, step))
            await files.apply(entry)
            entries.append(entry)
        return await self._rebased(files, entries)

    async def _rebased(self, files: DraftFiles, entries: list[DraftEntry]) -> DraftFiles:
        """The draft with the rebases that earlier lives journalled."""
        for number in range(1, MERGES):
            entry = await self.find(len(self._steps) + number)
            if entry is None:
                break
            entries.append(entry)
        workspace = self._world.workspace
        return workspace.files(await workspace.draft(EMPTY, entries))

    async def _end(self, files: DraftFiles) -> None:
        workspace, draft = self._world.workspace, files.draft
        for attempt in range(1, MERGES + 1):
            node = MergingNode(self._node_id, self._held.node.version + 1, self._fence)
            merge = await workspace.merge(draft, node, keep_conflicts=attempt == MERGES)
            if not isinstance(merge, Conflicted):
                break
            conflicted = merge
            entry = await self.journal(len(self._steps) + attempt, lambda entry=conflicted.entry: _given(entry))
            draft = await workspace.draft(EMPTY, [entry])
        await self._commit(merge)

    async def _commit(self, merge: Merge | None) -> None:
        changes = {} if merge is None else {"workspace": merge.seq}
        now = self._world.clock()
        after = transition(
            self._held.node, Operation.TERMINATE, Status.TERMINATED, now, report="Done.", claim=None, **changes
        )
        try:
            await self._world.nodes.commit(self._held, after)
        except Conflict:
            if merge is not None:
                await self._world.workspace.withdraw(merge)
            raise
        if merge is not None:
            await self._world.workspace.finish(merge)

    async def _fence(self) -> None:
        await self._world.nodes.rewrite(self._held, self._held.node)

    async def base(self) -> DraftEntry:
        return DraftEntry(rebase=(await self._world.workspace.current()).snapshot)

    async def find(self, number: int) -> DraftEntry | None:
        stored = await self._world.store.get(SPACE, Category.NODE_LOG, f"{self._node_id.replace('.', '-')}.{number}")
        return None if stored is None else DraftEntry.model_validate_json(stored.value)

    async def journal(self, number: int, make: Callable[[], Awaitable[DraftEntry]]) -> DraftEntry:
        """The journalled entry of a step, made now if there is none."""
        entry = await self.find(number)
        if entry is not None:
            return entry
        entry = await make()
        key = f"{self._node_id.replace('.', '-')}.{number}"
        with suppress(Conflict):
            await self._world.store.put(
                SPACE, Category.NODE_LOG, key, entry.model_dump_json(), condition=IfAbsent(), seq=number
            )
        return await self.find(number) or entry


async def _given(entry: DraftEntry) -> DraftEntry:
    return entry


async def perform(files: DraftFiles, step: Step) -> DraftEntry:
    """What a step comes to; one that is refused changes nothing."""
    name, *given = step
    try:
        return await getattr(files, name)(*given)
    except (InvalidInput, NotFound):
        return DraftEntry()
