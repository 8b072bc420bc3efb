"""Creating a swarm: everything is checked before anything is stored, and the store comes before the signal."""

import secrets
from contextlib import suppress

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.errors import Conflict, InvalidInput, QuotaExceeded
from shared.runtime import Runtime
from shared.services import Services
from shared.store.catalog import UnfinishedSwarms
from shared.store.ledger import reservation
from shared.store.nodes import Nodes
from shared.swarm.birth import absorber, root_node
from shared.swarm.budget import READING, Lease, Limits, least
from shared.swarm.node import ROOT_ID, NodeRef, Outbox, SwarmNode
from shared.swarm.origin import Origin
from shared.swarm.swarm import ContextDoc, ContextRef, Swarm
from shared.swarm.transitions import spawned
from shared.tenancy import TenantContext
from shared.types import SpaceKey
from shared.usecases.context_documents import MAX_DOCUMENT_BYTES, MAX_DOCUMENTS, ContextInput, read_documents

MAX_DIRECTIVE = 16_000


class NewSwarm(BaseModel):
    """What a user states and hands over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    directive: str = Field(
        min_length=1,
        max_length=MAX_DIRECTIVE,
        pattern=r"\S",
        description="The goal, in plain words.",
        examples=["Write a plan for the launch."],
    )
    context: list[ContextInput] = Field(default=[], max_length=MAX_DOCUMENTS)
    limits: Limits = Limits()

    @field_validator("directive", mode="before")
    @classmethod
    def _says_something(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise ValueError("the directive is empty: say what is to be done")
        return value.strip() if isinstance(value, str) else value


async def create_swarm(
    services: Services,
    tenant: TenantContext,
    runtime: Runtime,
    new: NewSwarm,
    swarm_id: str | None = None,
    origin: Origin | None = None,
) -> Swarm:
    """Store a new swarm whole and start it. Raises `InvalidInput` and `QuotaExceeded` before anything is stored.

    With the id of an attempt that broke off, it goes on with what that left. `origin` says what starts it, if not
    its user.
    """
    documents = checked(new, services.settings.fan_out)
    space = tenant.space(swarm_id or secrets.token_hex(8))
    if swarm_id is not None and (made := await services.swarms.find(space, "swarm")) and made.doc.ended is not None:
        return made.doc  # nothing is set aside for it any more
    now = services.now()
    swarm = Swarm(
        swarm_id=space.swarm_id,
        user_id=space.user_id,
        directive=new.directive,
        created=now,
        limits=new.limits,
        context=tuple(listed(doc) for doc, _ in documents),
        origin=origin,
    )
    root = _family(services, swarm)
    await _set_aside(services, space, new.limits)
    for doc, text in documents:
        await _keep(services, space, doc, text)
    with suppress(Conflict):
        await services.swarms.create(space, "swarm", swarm)
    with suppress(Conflict):
        await services.swarms.create(tenant.account, space.swarm_id, summary(swarm), seq=swarm.seq)
    with suppress(Conflict):
        await Nodes(services.store, space).create(root)
    await runtime.start_swarm(root_ref(space))
    return swarm


async def _set_aside(services: Services, space: SpaceKey, limits: Limits) -> None:
    """Reserve what a swarm may use; raises `QuotaExceeded`, mostly before anything is written.

    The sweep's entry comes first: whatever is half there after a crash, the reservation included, it finds.
    """
    quotas, wanted, now = await services.quotas.of(space.user_id), reservation(limits), services.now()
    await services.ledgers.check(space, wanted, quotas, now)
    await UnfinishedSwarms(services.store).add(space, now)
    try:
        await services.ledgers.reserve(space, wanted, quotas, now)
    except QuotaExceeded:  # another swarm took the room meanwhile
        await UnfinishedSwarms(services.store).remove(space)
        raise


def root_ref(space: SpaceKey, generation: int = 0) -> NodeRef:
    """A reference to a swarm's root."""
    return NodeRef(user_id=space.user_id, swarm_id=space.swarm_id, node_id=ROOT_ID, generation=generation)


def listed(doc: ContextDoc) -> ContextRef:
    """A document of the context as it is shown."""
    return ContextRef(context_id=doc.context_id, name=doc.name, type=doc.type, size=doc.size)


def summary(swarm: Swarm) -> Swarm:
    """A swarm as its user's list shows it."""
    return swarm.model_copy(update={"directive": swarm.directive[:200], "context": (), "report": None})


async def _keep(services: Services, space: SpaceKey, doc: ContextDoc, text: str) -> None:
    if doc.content is None:
        await services.blobs.put(space, text.encode(), max_bytes=MAX_DOCUMENT_BYTES)
    with suppress(Conflict):
        await services.contexts.create(space, doc.context_id, doc)


def checked(new: NewSwarm, fan_out: int) -> list[tuple[ContextDoc, str]]:
    """The documents of the context with their text; raises `InvalidInput` for a swarm that could never start.

    `fan_out` is the largest one that the deployment allows.
    """
    documents = read_documents(new.context)
    _check_limits(new.limits, len(documents))
    if new.limits.fan_out > fan_out:
        raise InvalidInput(f"limits.fan_out: {new.limits.fan_out} is more than the {fan_out} that are allowed here")
    return documents


def _check_limits(limits: Limits, documents: int) -> None:
    """Raise `InvalidInput` that names each limit with which nothing could be done, and the least it may be."""
    too_small = [
        f"limits.{name}: {getattr(limits, name)} is too few, give at least {amount}"
        for name, amount in least(documents).items()
        if getattr(limits, name) < amount
    ]
    if too_small:
        some = "a document" if documents == 1 else f"{documents} documents"
        read = f"read {some} of context, " if documents else ""
        raise InvalidInput(f"{'; '.join(too_small)}: a swarm has to {read}plan, do one part and review it")


def _reading(limits: Limits) -> Lease:
    return READING.model_copy(update={"cost_usd": limits.cost_usd / 40})


def _family(services: Services, swarm: Swarm) -> SwarmNode:
    """The root, with the nodes that absorb the context in the outbox of its birth."""
    root = root_node(swarm.directive, swarm.limits, len(swarm.context))
    reading = _reading(swarm.limits)
    children = tuple(
        absorber(root, ordinal, doc.name, doc.context_id, reading) for ordinal, doc in enumerate(swarm.context)
    )
    now = services.now()
    events = tuple(spawned(node, now) for node in (root, *children))
    return root.evolve(outbox=Outbox(events=events, children=children))
