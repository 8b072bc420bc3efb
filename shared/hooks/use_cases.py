"""Hooks as their owners manage them: made, listed, changed, given a new secret, deleted."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Conflict, NotFound, Stale, SwarmStarError
from shared.hooks.model import Hook, HookUse, Refused, Started, hook_of
from shared.hooks.payloads import LARGEST
from shared.hooks.signing import Verification, kept, new_secret
from shared.services import Services
from shared.store import Category, IfEtag
from shared.store.catalog import HookEntries
from shared.store.documents import Documents, Held
from shared.store.roster import Roster
from shared.swarm.budget import Limits
from shared.swarm.swarm import ContextRef
from shared.tenancy import TenantContext
from shared.types import Name, SpaceKey
from shared.usecases import templates
from shared.usecases.create_swarm import NewSwarm
from shared.usecases.templates import Template

#: Hooks of one user.
MAX_HOOKS = 100
_NOTED = "Noted once a minute at most, so those that came within a minute of it are not told."
_ATTEMPTS = 5


class NewHook(BaseModel):
    """A hook to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="For people; it need not be unique.")
    verification: Verification = Field(
        default=Verification.STANDARD,
        description="How deliveries prove themselves: `standard` (Standard Webhooks), `github`, or `token`.",
    )
    swarm: NewSwarm = Field(description="What a delivery starts; its payload comes as one more document of context.")


class HookChange(BaseModel):
    """What to change of a hook; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    enabled: bool | None = Field(default=None, description="A hook that is not enabled takes no deliveries.")
    swarm: NewSwarm | None = None


class HookView(BaseModel):
    """A hook as its owner sees it. The secret is not in it."""

    model_config = ConfigDict(frozen=True)

    hook_id: str
    name: str
    path: str = Field(description="Where deliveries go, below the deployment's address.")
    verification: Verification
    enabled: bool
    created: datetime
    previous_until: datetime | None = Field(description="Until when the secret before the present one is good.")
    last_started: Started | None = Field(description=f"A late delivery that started a swarm. {_NOTED}")
    last_refused: Refused | None = Field(description=f"A late delivery that was refused, and why. {_NOTED}")


class HookDetail(HookView):
    """A hook with what it starts. Of the context, the names and sizes."""

    directive: str
    limits: Limits
    context: tuple[ContextRef, ...]


class CreatedHook(HookDetail):
    """A hook whose secret was just made."""

    secret: str = Field(repr=False, description="What deliveries are signed with. It is shown this once.")


class KeptHook(Hook):
    """A hook as it lies in its owner's account, with what it starts."""

    template: Template


def kept_hooks(services: Services) -> Documents[KeptHook]:
    """The hooks in their owners' accounts."""
    return Documents(services.store, Category.HOOK, KeptHook)


def hook_uses(services: Services) -> Documents[HookUse]:
    """What came to each hook lately, beside it."""
    return Documents(services.store, Category.HOOK_USE, HookUse)


async def create_hook(
    services: Services, tenant: TenantContext, new: NewHook, request: str, seed: bytes | None = None
) -> Held[CreatedHook]:
    """Make a hook with a fresh secret. Raises `InvalidInput` if its swarm could never start, and `Full`.

    Repeated by the same request after a crash, it goes on with the hook that was made, under a new secret; with the
    same seed, that is the same secret.
    """
    hook_id = hook_of(tenant.user_id, request)
    if await kept_hooks(services).find(tenant.account, hook_id) is not None:
        return await rotate_hook(services, tenant, hook_id, request, seed)
    await _roster(services).reserve(tenant.account, hook_id, MAX_HOOKS, services.now())
    try:
        template = await templates.keep(services, tenant.account, new.swarm, [LARGEST], request)
    except SwarmStarError:
        await _roster(services).release(tenant.account, hook_id)
        raise
    secret = new_secret(new.verification, seed)
    hook = KeptHook(
        hook_id=hook_id,
        name=new.name,
        verification=new.verification,
        created=services.now(),
        secret=kept(new.verification, secret),
        secret_by=request,
        template=template,
    )
    await HookEntries(services.store).write(hook_id, tenant.user_id)
    etag = await kept_hooks(services).create(tenant.account, hook_id, hook, seq=hook.seq)
    return Held(CreatedHook(**_detail(hook, HookUse()), secret=secret), etag)


async def list_hooks(
    services: Services, tenant: TenantContext, limit: int, cursor: str | None
) -> tuple[list[HookView], str | None]:
    """A user's hooks, oldest first, and the cursor that goes on."""
    hooks, after = await kept_hooks(services).page(tenant.account, limit=limit, cursor=cursor)
    uses = await asyncio.gather(*(_use(services, tenant, hook.hook_id) for hook in hooks))
    return [HookView(**_view(hook, use)) for hook, use in zip(hooks, uses, strict=True)], after


async def get_hook(services: Services, tenant: TenantContext, hook_id: str) -> Held[HookDetail]:
    """One hook and its etag; raises `NotFound`."""
    held = await _held(services, tenant, hook_id)
    return Held(HookDetail(**_detail(held.doc, await _use(services, tenant, hook_id))), held.etag)


async def change_hook(
    services: Services, tenant: TenantContext, hook_id: str, change: HookChange, etag: str | None
) -> Held[HookDetail]:
    """Change a hook; raises `Stale` unless `etag` is the present one. None takes whichever it is."""
    held = await _held(services, tenant, hook_id)
    if etag is not None and etag != held.etag:
        raise _stale()
    before = held.doc.template
    update: dict[str, Any] = {name: value for name, value in change if name != "swarm" and value is not None}
    if change.swarm is not None:
        update["template"] = await templates.keep(services, tenant.account, change.swarm, [LARGEST])
    hook = held.doc.model_copy(update=update)
    try:
        written = await kept_hooks(services).replace(tenant.account, hook_id, hook, held.etag, seq=hook.seq)
    except Conflict:
        if hook.template is not before:
            await templates.drop(services, tenant.account, hook.template)
        raise _stale() from None
    if hook.template is not before:
        await templates.drop(services, tenant.account, before)
    return Held(HookDetail(**_detail(hook, await _use(services, tenant, hook_id))), written)


async def rotate_hook(
    services: Services, tenant: TenantContext, hook_id: str, request: str, seed: bytes | None = None
) -> Held[CreatedHook]:
    """Give a hook a new secret; the present one stays good for a day. Raises `NotFound`."""
    held = await _held(services, tenant, hook_id)
    secret = new_secret(held.doc.verification, seed)
    hook = held.doc.rotated(secret, services.now(), request)
    try:
        etag = await kept_hooks(services).replace(tenant.account, hook_id, hook, held.etag, seq=hook.seq)
    except Conflict:
        raise Conflict("the hook was changed at the same moment: ask again") from None
    return Held(CreatedHook(**_detail(hook, await _use(services, tenant, hook_id)), secret=secret), etag)


async def delete_hook(services: Services, tenant: TenantContext, hook_id: str) -> None:
    """Delete a hook; it takes no delivery from now on. Raises `NotFound`.

    The hook itself goes last: one whose deletion broke off is still listed, and can be deleted again.
    """
    for _ in range(_ATTEMPTS):
        held = await _held(services, tenant, hook_id)
        await HookEntries(services.store).delete(hook_id)
        await hook_uses(services).delete(tenant.account, hook_id)
        await templates.drop(services, tenant.account, held.doc.template)
        with suppress(Conflict):  # it was changed this moment, and may start something else now
            await services.store.delete(tenant.account, Category.HOOK, hook_id, condition=IfEtag(held.etag))
            await _roster(services).release(tenant.account, hook_id)
            return
    raise Conflict("the hook keeps changing: try again")


def _roster(services: Services) -> Roster:
    async def listed(account: SpaceKey) -> set[str]:
        return {hook.hook_id async for hook in kept_hooks(services).all(account)}

    return Roster(services.store, "hooks", listed)


async def _held(services: Services, tenant: TenantContext, hook_id: str) -> Held[KeptHook]:
    held = await kept_hooks(services).find(tenant.account, hook_id)
    if held is None:
        raise NotFound(f"there is no hook {hook_id!r}")
    return held


async def _use(services: Services, tenant: TenantContext, hook_id: str) -> HookUse:
    held = await hook_uses(services).find(tenant.account, hook_id)
    return HookUse() if held is None else held.doc


def _view(hook: KeptHook, use: HookUse) -> dict[str, Any]:
    shown = {name: getattr(hook, name) for name in HookView.model_fields if hasattr(hook, name)}
    return {**shown, "last_started": use.started, "last_refused": use.refused}


def _detail(hook: KeptHook, use: HookUse) -> dict[str, Any]:
    started = hook.template
    return {**_view(hook, use), "directive": started.directive, "limits": started.limits, "context": started.listed}


def _stale() -> Stale:
    return Stale("the hook was changed meanwhile: read it again")
