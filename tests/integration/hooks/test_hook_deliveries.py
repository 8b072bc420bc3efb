"""A delivery starts one swarm, whoever brings it proves it, and nobody else learns or starts anything."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hook_world import ADA, BOB, World
from pydantic import ValidationError

from shared.errors import Conflict, InvalidInput, NotFound, QuotaExceeded, Stale, Unauthenticated
from shared.hooks import use_cases as hooks
from shared.hooks.model import OVERLAP
from shared.hooks.payloads import MAX_PAYLOAD
from shared.hooks.signing import Verification
from shared.hooks.use_cases import MAX_HOOKS, CreatedHook, HookChange
from shared.store import Category, Page, Store
from shared.store.catalog import Users
from shared.tenancy.quotas import Quotas
from shared.tenancy.users import User
from shared.types import SpaceKey
from shared.usecases.delete_swarm import delete_swarm
from tests.integration.crash.fault_store import MortalStore

each_way = pytest.mark.parametrize("way", Verification)
LARGE = [{"name": "large.txt", "content": "x" * 100_000}]


class ShortPages(MortalStore):
    """A store with little room in a page, as a real one has for large documents."""

    async def scan(self, *where: Any, limit: int = 100, **more: Any) -> Page:
        return await super().scan(*where, limit=min(limit, 2), **more)


class Meddled(MortalStore):
    """A store whose first deletion finds that somebody else was faster with something."""

    def __init__(self, store: Store, meddle: Callable[[], Awaitable[object]]) -> None:
        super().__init__(store)
        self._meddle: Callable[[], Awaitable[object]] | None = meddle

    async def delete(self, *where: Any, **more: Any) -> bool:
        meddle, self._meddle = self._meddle, None
        if meddle is not None:
            await meddle()
        return await super().delete(*where, **more)


async def user(world: World, disabled: bool = False, **quotas: int) -> None:
    """Bob, as a user of the deployment."""
    bob = User(user_id="bob", name="Bob", created=world.now, disabled=disabled, quotas=Quotas(**quotas))
    await Users(world.services.store).create(bob)


async def refusal(world: World, hook: CreatedHook, age: float = 0.0, **headers: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await world.deliver(hook, age=age, headers={name.replace("_", "-"): text for name, text in headers.items()})
    return str(refused.value)


@each_way
async def test_a_delivery_starts_the_swarm_with_its_payload(world: World, way: Verification) -> None:
    hook = await world.hook(way, context=[{"name": "a.md", "content": "known"}], limits={"nodes": 9})
    swarm_id = await world.deliver(hook, headers={"content-type": "application/json"})
    (swarm,) = await world.swarms()
    assert swarm.swarm_id == swarm_id
    assert (swarm.directive, swarm.limits.nodes) == ("Look", 9)
    assert swarm.origin is not None
    assert (swarm.origin.kind, swarm.origin.id, swarm.origin.delivery_id) == ("hook", hook.hook_id, "d")
    assert [doc.name for doc in swarm.context] == ["a.md", "payload.json"]
    payload = (await world.services.contexts.get(ADA.space(swarm.swarm_id), "context-1")).doc
    assert json.loads(payload.content or "")["payload"] == {"build": 7}
    assert world.runtime.started == [swarm_id]
    started = (await world.shown(hook)).last_started
    assert started is not None
    assert (started.at, started.swarm_id) == (world.now, swarm_id)


@each_way
async def test_a_repeated_delivery_goes_on_with_the_same_swarm(world: World, way: Verification) -> None:
    hook = await world.hook(way)
    first = await asyncio.gather(*(world.deliver(hook) for _ in range(5)))
    assert len({*first, await world.deliver(hook)}) == 1
    assert await world.deliver(hook, "another") not in first
    assert len(await world.swarms()) == 2
    other = await world.hook(way, request="r2")
    assert await world.deliver(other) not in first


async def test_a_repeated_delivery_of_a_deleted_swarm_starts_nothing(world: World) -> None:
    hook = await world.hook()
    swarm_id = await world.deliver(hook)
    await delete_swarm(world.services, ADA, world.runtime, str(swarm_id))
    assert await world.deliver(hook) == swarm_id
    assert (await world.services.swarms.page(ADA.account))[0] == []


async def test_without_a_delivery_id_every_delivery_is_new(world: World) -> None:
    hook = await world.hook(Verification.TOKEN)
    nameless = {"idempotency-key": ""}
    one, other = await world.deliver(hook, headers=nameless), await world.deliver(hook, headers=nameless)
    assert one != other
    assert [swarm.origin and swarm.origin.delivery_id for swarm in await world.swarms()] == [None, None]


async def test_an_empty_delivery_starts_the_swarm_alone(world: World) -> None:
    await world.deliver(await world.hook(), body=b"")
    (swarm,) = await world.swarms()
    assert swarm.context == ()


async def test_a_ping_starts_nothing(world: World) -> None:
    github, standard = await world.hook(Verification.GITHUB), await world.hook(request="r2")
    assert await world.deliver(github, headers={"x-github-event": "ping"}) is None
    assert await refusal(world, github, x_github_event="ping", x_hub_signature_256="sha256=0")
    assert await world.swarms() == []
    assert await world.deliver(standard, headers={"x-github-event": "ping"}) is not None


async def test_every_refusal_reads_the_same_and_the_owner_is_shown_why(world: World) -> None:
    hook = await world.hook()
    nowhere = hook.model_copy(update={"hook_id": "0" * 32})
    malformed = hook.model_copy(update={"hook_id": "../../etc"})
    told = {await refusal(world, nowhere), await refusal(world, malformed)}

    told.add(await refusal(world, hook, webhook_signature="v1,AAAA"))
    assert "signature" in str((await world.shown(hook)).last_refused)
    world.pass_(minutes=1)
    told.add(await refusal(world, hook, age=301))
    assert "five minutes" in str((await world.shown(hook)).last_refused)
    world.pass_(minutes=1)
    await hooks.change_hook(world.services, ADA, hook.hook_id, HookChange(enabled=False), None)
    told.add(await refusal(world, hook))
    assert "paused" in str((await world.shown(hook)).last_refused)
    await hooks.delete_hook(world.services, ADA, hook.hook_id)
    told.add(await refusal(world, hook))
    assert len(told) == 1
    assert await world.swarms() == []


async def test_refusals_do_not_hide_what_started(world: World) -> None:
    hook = await world.hook()
    swarm_id = await world.deliver(hook)
    await refusal(world, hook, webhook_signature="")
    shown = await world.shown(hook)
    assert shown.last_started is not None
    assert shown.last_started.swarm_id == swarm_id
    assert shown.last_refused is not None


async def test_what_came_to_a_hook_is_not_kept_for_ever(world: World) -> None:
    """A delivery that is noted while its hook is deleted leaves a note that nobody would remove."""
    hook = await world.hook()
    for delivery_id in ("one", "two"):
        await world.deliver(hook, delivery_id)
        world.pass_(days=399)
        assert (await world.shown(hook)).last_started is not None
    world.pass_(days=2)
    assert (await world.shown(hook)).last_started is None


async def test_a_seed_makes_the_same_secret_however_often_a_request_is_tried(world: World) -> None:
    for way in Verification:
        new = hooks.NewHook.model_validate({"name": "builds", "verification": way, "swarm": {"directive": "Look"}})
        made = [(await hooks.create_hook(world.services, ADA, new, way, b"s" * 32)).doc for _ in range(2)]
        assert made[0].secret == made[1].secret
        assert await world.deliver(made[0], f"first-{way}")
        turned = [
            (await hooks.rotate_hook(world.services, ADA, made[0].hook_id, "r2", b"t" * 32)).doc for _ in range(2)
        ]
        assert turned[0].secret == turned[1].secret != made[0].secret
        assert await world.deliver(turned[0], f"then-{way}")


async def test_the_secret_before_is_good_for_a_day(world: World) -> None:
    hook = await world.hook()
    new = (await hooks.rotate_hook(world.services, ADA, hook.hook_id, "r2")).doc
    assert new.secret != hook.secret
    assert new.previous_until == world.now + OVERLAP
    assert await world.deliver(hook, "one")
    assert await world.deliver(new, "two")
    world.pass_(hours=24)
    await refusal(world, hook)
    assert await world.deliver(new, "three")


@each_way
async def test_secrets_are_shown_once_and_tokens_not_stored(world: World, way: Verification) -> None:
    hook = await world.hook(way)
    listed, _ = await hooks.list_hooks(world.services, ADA, 10, None)
    shown = f"{listed} {await world.shown(hook)}"
    assert hook.secret not in shown
    kept = world.kept()
    assert (hook.secret.encode() in kept) == (way is not Verification.TOKEN)


async def test_errors_repeat_neither_payload_nor_secret(world: World) -> None:
    hook = await world.hook()
    with pytest.raises(InvalidInput) as refused:
        await world.deliver(hook, body=b"secret-body \xff", headers={"content-type": "text/plain"})
    assert "secret-body" not in str(refused.value)
    assert hook.secret not in await refusal(world, hook, webhook_signature="v1,AAAA")


async def test_what_a_delivery_starts_can_be_changed(world: World) -> None:
    hook = await world.hook(context=LARGE)
    assert await world.deliver(hook, "one")
    change = HookChange.model_validate({"swarm": {"directive": "Else", "context": LARGE}, "name": "other"})
    held = await hooks.get_hook(world.services, ADA, hook.hook_id)
    changed = await hooks.change_hook(world.services, ADA, hook.hook_id, change, held.etag)
    assert (changed.doc.name, changed.doc.directive, changed.doc.enabled) == ("other", "Else", True)
    with pytest.raises(Stale):
        await hooks.change_hook(world.services, ADA, hook.hook_id, change, held.etag)
    two = await world.deliver(hook, "two")
    assert (await world.services.swarm(ADA, str(two)))[1].doc.directive == "Else"
    assert len(world.templates()) == 1


async def test_a_deleted_hook_leaves_nothing(world: World) -> None:
    hook = await world.hook(context=LARGE)
    await refusal(world, hook, webhook_signature="")
    assert len(world.templates()) == 1
    await hooks.delete_hook(world.services, ADA, hook.hook_id)
    assert world.templates() == []
    for category in (Category.HOOK, Category.HOOK_USE):
        assert not (await world.bare.scan(ADA.account, category)).items
        assert not (await world.bare.scan(SpaceKey("system", "hooks"), category)).items
    with pytest.raises(NotFound):
        await hooks.delete_hook(world.services, ADA, hook.hook_id)


async def test_a_hook_that_could_never_start_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="limits"):
        await world.hook(limits={"nodes": 1})
    with pytest.raises(InvalidInput, match="context"):
        await world.hook(
            context=[{"name": f"{n}.txt", "content": "x" * (1_048_576 - MAX_PAYLOAD // 4)} for n in range(2)]
        )
    with pytest.raises(InvalidInput):
        await world.hook(context=[{"name": f"{n}.txt", "content": "x"} for n in range(16)])
    assert (await hooks.list_hooks(world.services, ADA, 10, None))[0] == []


async def test_there_is_a_most_of_hooks(world: World) -> None:
    for number in range(MAX_HOOKS):
        await world.hook(request=str(number))
    with pytest.raises(Conflict, match=str(MAX_HOOKS)):
        await world.hook(request="one more")
    assert await world.hook(request="7")  # a repetition makes none


async def test_the_most_holds_where_pages_are_short(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "MAX_HOOKS", 5)
    world.services = world.over(ShortPages(world.bare))
    for number in range(5):
        await world.hook(request=str(number))
    with pytest.raises(Conflict, match="5 hooks"):
        await world.hook(request="one-more")
    again = await world.hook(request="4")
    listed, _ = await hooks.list_hooks(world.services, ADA, 10, None)
    assert len(listed) == 2
    assert await world.deliver(again)


async def test_one_request_makes_one_hook_even_twice_at_once(world: World) -> None:
    both = await asyncio.gather(*(world.hook(context=LARGE) for _ in range(2)), return_exceptions=True)
    assert all(isinstance(one, CreatedHook | Conflict) for one in both)
    made = await world.hook(context=LARGE)
    (listed,), _ = await hooks.list_hooks(world.services, ADA, 10, None)
    assert (listed.hook_id, len(world.templates())) == (made.hook_id, 1)
    assert await world.deliver(made)


async def test_a_hook_that_is_changed_while_it_is_deleted_leaves_nothing(world: World) -> None:
    hook = await world.hook(context=LARGE)
    change = HookChange.model_validate({"swarm": {"directive": "Else", "context": LARGE}})
    store = Meddled(world.bare, lambda: hooks.change_hook(world.services, ADA, hook.hook_id, change, None))
    await hooks.delete_hook(world.over(store), ADA, hook.hook_id)
    assert (await hooks.list_hooks(world.services, ADA, 10, None))[0] == []
    assert world.templates() == []


async def test_names_are_stripped_when_they_change_too(world: World) -> None:
    hook = await world.hook()
    changed = await hooks.change_hook(world.services, ADA, hook.hook_id, HookChange(name=" other "), None)
    assert changed.doc.name == "other"
    with pytest.raises(ValidationError):
        HookChange(name=" ")


async def test_a_hook_that_cannot_be_read_does_not_tell_its_secret(world: World) -> None:
    hook = await world.hook(Verification.GITHUB)
    damaged = json.dumps({"secret": hook.secret})
    await world.bare.put(ADA.account, Category.HOOK, hook.hook_id, damaged)
    with pytest.raises(ValidationError) as unread:
        await world.deliver(hook)
    assert hook.secret[:8] not in f"{unread.value} {hook!r}"


async def test_nobody_manages_anothers_hook(world: World) -> None:
    hook = await world.hook()
    for refused in (
        hooks.get_hook(world.services, BOB, hook.hook_id),
        hooks.change_hook(world.services, BOB, hook.hook_id, HookChange(enabled=False), None),
        hooks.rotate_hook(world.services, BOB, hook.hook_id, "r"),
        hooks.delete_hook(world.services, BOB, hook.hook_id),
    ):
        with pytest.raises(NotFound):
            await refused
    assert await world.deliver(hook)


async def test_deliveries_count_as_their_owners_requests(world: World) -> None:
    await user(world, requests_a_minute=2)
    hook = await world.hook(tenant=BOB)
    for _ in range(5):  # who is not proven uses up nothing
        await refusal(world, hook, webhook_signature="")
    await world.deliver(hook, "one")
    await world.deliver(hook, "two")
    with pytest.raises(QuotaExceeded) as refused:
        await world.deliver(hook, "three")
    assert refused.value.retry_after > 0
    assert len(await world.swarms(BOB)) == 2


async def test_over_the_owners_quota_nothing_starts_and_the_sender_learns_no_figures(world: World) -> None:
    await user(world, swarms=1)
    hook = await world.hook(tenant=BOB)
    await world.deliver(hook, "one")
    with pytest.raises(QuotaExceeded) as refused:
        await world.deliver(hook, "two")
    assert "1" not in str(refused.value)
    assert "swarms at once" in str((await world.shown(hook, BOB)).last_refused)
    assert await world.deliver(hook, "one")


async def test_a_disabled_user_and_one_who_is_none_have_no_hooks(world: World) -> None:
    hook = await world.hook(tenant=BOB)
    told = await refusal(world, hook)
    await user(world, disabled=True)
    assert await refusal(world, hook) == told


async def test_many_at_once_are_all_taken(world: World) -> None:
    hook = await world.hook()
    started = await asyncio.gather(*(world.deliver(hook, str(n)) for n in range(8)))
    assert len(set(started)) == 8
    assert len(await world.swarms()) == 8
