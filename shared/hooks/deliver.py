"""A delivery to a hook: who brings it is proven by its signature, and what it starts lies in the owner's template.

A repeated delivery goes on with the same swarm, whose id is a hash of owner, hook and delivery id.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress

from shared.errors import (
    Conflict,
    Gone,
    InvalidInput,
    QuotaExceeded,
    SwarmStarError,
    Unauthenticated,
    Unavailable,
)
from shared.hooks.model import HOOK_ID, HookUse, Refused, Started
from shared.hooks.payloads import payload_document
from shared.hooks.signing import Verdict, Verification, new_secret, verify
from shared.hooks.use_cases import KeptHook, hook_uses, kept_hooks
from shared.runtime import Runtime
from shared.services import Services
from shared.store.catalog import HookEntries
from shared.store.documents import Held
from shared.store.port import IfAbsent, IfEtag
from shared.store.tombstones import Tombstones
from shared.swarm.origin import Origin
from shared.tenancy import TenantContext
from shared.types import SpaceKey
from shared.usecases import templates
from shared.usecases.context_documents import read_documents
from shared.usecases.create_swarm import create_swarm
from shared.usecases.idempotency import new_id
from shared.usecases.sign_in import acting_for

_NOT_TAKEN = (
    "the delivery is not taken: there is no such hook, or it is paused, or the signature, token or timestamp is not "
    "right. The hook's owner is shown which."
)
#: Seconds that a note is kept: one that is written while its hook is deleted has nobody else to remove it.
_NOTE_KEPT = 400 * 86_400
#: What a delivery to nowhere is compared with, so that it costs the same as one to a hook.
_NOBODYS = (new_secret(Verification.STANDARD),)


async def deliver(
    services: Services, runtime: Runtime, hook_id: str, headers: Mapping[str, str], body: bytes
) -> str | None:
    """Start the swarm of a hook on what was delivered, and return its id; None for a `ping` of GitHub.

    `headers` has lower-case names. Raises `Unauthenticated` with the same words for whatever is not proven, and once
    it is: `QuotaExceeded`, `InvalidInput` and `WrongMediaType` about the payload, `Conflict` if the swarm cannot start.
    """
    known = await _find(services, hook_id)
    if known is None:
        verify(Verification.STANDARD, _NOBODYS, headers, body, services.now())
        raise Unauthenticated(_NOT_TAKEN)
    tenant, hook = known
    verdict = hook.look_at(dict(headers), body, services.now())
    fault = verdict.fault or (None if hook.enabled else "the hook is paused")
    if fault is not None:
        await _note(services, tenant, hook, Refused(at=services.now(), reason=fault))
        raise Unauthenticated(_NOT_TAKEN)
    try:
        if tenant.requests_a_minute is not None:
            services.rates.admit(tenant.user_id, tenant.requests_a_minute)
        if hook.verification is Verification.GITHUB and headers.get("x-github-event") == "ping":
            return None
        swarm_id = await _start(services, tenant, runtime, hook, verdict, headers, body)
    except (QuotaExceeded, InvalidInput, Conflict) as error:
        await _note(services, tenant, hook, Refused(at=services.now(), reason=str(error)))
        raise _told(error) from None
    await _note(services, tenant, hook, Started(at=services.now(), swarm_id=swarm_id))
    return swarm_id


async def _find(services: Services, hook_id: str) -> tuple[TenantContext, KeptHook] | None:
    """A hook and its owner; None if there is none, or its owner may not use the deployment any more."""
    user_id = await HookEntries(services.store).owner(hook_id) if HOOK_ID.fullmatch(hook_id) else None
    if user_id is None:
        return None
    held = await kept_hooks(services).find(SpaceKey.account(user_id), hook_id)
    tenant = await acting_for(services, user_id)
    return None if held is None or tenant is None else (tenant, held.doc)


async def _start(
    services: Services,
    tenant: TenantContext,
    runtime: Runtime,
    hook: KeptHook,
    verdict: Verdict,
    headers: Mapping[str, str],
    body: bytes,
) -> str:
    """Start the swarm unless the delivery has started one before; its id."""
    payload = payload_document(body, headers, hook.name)
    documents = [] if payload is None else [payload]
    read_documents(documents)
    delivery_id = verdict.delivery_id or new_id()
    space = tenant.space(swarm_of_delivery(tenant.user_id, hook.hook_id, delivery_id))
    if await Tombstones(services.store).there(space) or await _deleted(services, space):
        return space.swarm_id  # started before, and deleted since
    new = await templates.load(services, tenant.account, hook.template)
    new = new.model_copy(update={"context": [*new.context, *documents]})
    origin = Origin(kind="hook", id=hook.hook_id, delivery_id=verdict.delivery_id)
    try:
        await create_swarm(services, tenant, runtime, new, space.swarm_id, origin)
    except InvalidInput as error:
        raise Conflict(f"the swarm cannot start: {error}") from error
    except Gone:
        pass  # deleted this moment
    return space.swarm_id


def swarm_of_delivery(user_id: str, hook_id: str, delivery_id: str) -> str:
    """The id of the swarm that a delivery starts, however often it is repeated."""
    return hashlib.sha256(f"hook {user_id} {hook_id} {delivery_id}".encode()).hexdigest()[:16]


async def _deleted(services: Services, space: SpaceKey) -> bool:
    held = await services.swarms.find(space, "swarm")
    return held is not None and held.doc.deleted is not None


async def _note(services: Services, tenant: TenantContext, hook: KeptHook, event: Started | Refused) -> None:
    """Show the owner what came of a delivery. It stands whether or not this can be written."""
    with suppress(Conflict, Unavailable):  # another delivery noted the same minute
        held = await hook_uses(services).find(tenant.account, hook.hook_id) or Held(HookUse(), "")
        noted = held.doc.noting(event)
        if noted is not None:
            condition = IfEtag(held.etag) if held.etag else IfAbsent()
            await hook_uses(services).put(tenant.account, hook.hook_id, noted, condition=condition, ttl=_NOTE_KEPT)


def _told(error: SwarmStarError) -> SwarmStarError:
    """What a sender is told: of the owner's ceilings and template nothing but that they stand in the way."""
    if isinstance(error, QuotaExceeded):
        return QuotaExceeded("the hook's owner has no room for it now: deliver it again later", error.retry_after)
    if isinstance(error, Conflict):
        return Conflict("the hook cannot start its swarm; its owner is shown why")
    return error
