"""A durable host in a few lines: it runs the product's orchestrations in this process until they end or it dies.

Time stands still while anything works, and jumps to the next timer when nothing does.
"""

import asyncio
import heapq
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from shared.activities.advance_node import advance_node
from shared.activities.begin_swarm import begin_swarm
from shared.activities.fail_node import fail_node
from shared.activities.finish_swarm import finish_swarm
from shared.orchestration.run_node import run_node
from shared.orchestration.run_swarm import run_swarm
from shared.runtime import RunStatus
from shared.runtime.names import (
    ADVANCE_NODE,
    BEGIN_SWARM,
    FAIL_NODE,
    FINISH_SWARM,
    RUN_NODE,
    RUN_SWARM,
    node_instance,
    swarm_instance,
)
from shared.runtime.steps import Failure
from shared.services import Services
from shared.swarm.node import NodeRef

#: Seconds of real time that one life may last.
PATIENCE = 30.0
#: What a dead worker's claim may hold up at most, in virtual time.
STALL = timedelta(seconds=61)

_ORCHESTRATIONS = {RUN_NODE: run_node, RUN_SWARM: run_swarm}

#: What a user does when nothing else happens; says whether they did anything.
User = Callable[["Life"], Awaitable[bool]]


class VirtualClock:
    """The time of a test."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@dataclass(order=True)
class _Timer:
    until: datetime
    number: int
    fired: "asyncio.Future[None]" = field(compare=False)


class Life:
    """One life of the host, on one or several workers.

    `delivered` says how an activity reaches its workers: `once`, `twice` at the same time (by the first and the
    last worker), or `lost`: its first result never arrives, so it is done again.
    """

    def __init__(self, clock: VirtualClock, workers: Sequence[Services], delivered: str = "once") -> None:
        self.clock = clock
        self.workers = workers
        self.user: User = _nothing
        #: Errors that activities raised; a sound run has none.
        self.errors: list[str] = []
        self._delivered = delivered
        self._death = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timers: list[_Timer] = []
        self._numbers = count()
        self._events: dict[tuple[str, str], asyncio.Future[None]] = {}
        self._instances: set[str] = set()
        self._active = 0
        self._idle = asyncio.Event()

    def die(self) -> None:
        """End this life at the next turn of the loop."""
        self._death.set()

    async def run(self, root: NodeRef) -> bool:
        """Run a swarm; False if the process died on the way."""
        main = self.spawn(self.orchestrate(RUN_SWARM, root.model_dump(), swarm_instance(root)))
        death = self.spawn(self._death.wait())
        ticker = self.spawn(self._tick())
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.wait({main, death, ticker}, return_when=asyncio.FIRST_COMPLETED)
                if not self._death.is_set() and not ticker.done():
                    main.result()
                    await self._settle()  # late copies of activities end
                elif not self._death.is_set():
                    ticker.result()
            return not self._death.is_set()
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """A task that ends with this life at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits for it gets it too

    async def orchestrate(self, name: str, payload: dict[str, Any], instance_id: str) -> None:
        """Run one orchestration to its end."""
        if instance_id in self._instances:
            raise AssertionError(f"{name} {payload} runs already")
        self._instances.add(instance_id)
        try:
            again: dict[str, Any] | None = payload
            while again is not None:
                context = Context(self, instance_id)
                await _drive(_ORCHESTRATIONS[name](context, json.loads(json.dumps(again))))
                again = context.again
        finally:
            self._instances.discard(instance_id)

    async def activity(self, name: str, payload: dict[str, Any]) -> Any:
        """Deliver an activity to the workers and hand back a result."""
        body = json.loads(json.dumps(payload))
        first = self.spawn(self._perform(self.workers[0], name, body))
        if self._delivered == "once":
            return await first
        if self._delivered == "lost":
            await first
            return await self.spawn(self._perform(self.workers[-1], name, body))
        second = self.spawn(self._perform(self.workers[-1], name, body))
        done, _ = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()

    async def _perform(self, services: Services, name: str, body: dict[str, Any]) -> Any:
        with self.busy():
            try:
                result = await _ACTIVITIES[name](services, body)
            except Exception as error:
                self.errors.append(f"{name} {body}: {error!r}")
                raise
        return None if result is None else json.loads(json.dumps(result))

    def busy(self) -> "_Busy":
        """Time stands still within."""
        return _Busy(self)

    def timer(self, until: datetime) -> "asyncio.Future[None]":
        """A timer of virtual time."""
        fired: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._timers, _Timer(until, next(self._numbers), fired))
        return fired

    def event(self, instance_id: str, name: str) -> "asyncio.Future[None]":
        """An event of an instance; one that was raised before is there at once."""
        key = (instance_id, name)
        if key not in self._events:
            self._events[key] = asyncio.get_running_loop().create_future()
        return self._events[key]

    async def start_swarm(self, root: NodeRef) -> None:
        """The test starts swarms itself."""

    async def wake(self, node: NodeRef, event: str) -> None:
        """Raise an event to the orchestration of a node, if it runs."""
        if node_instance(node) in self._instances:
            raised = self.event(node_instance(node), event)
            if not raised.done():
                raised.set_result(None)

    async def status(self, root: NodeRef) -> RunStatus:
        """How the orchestration of a swarm stands."""
        return RunStatus.RUNNING if swarm_instance(root) in self._instances else RunStatus.ABSENT

    async def _tick(self) -> None:
        while True:
            await self._settle()
            with self.busy():
                acted = await self.user(self)
            if acted:
                continue
            await self._settle()
            self._fire()

    async def _settle(self) -> None:
        """Wait until nothing works and every orchestration waits."""
        turns = 0
        while turns < 8:
            if self._active:
                turns = 0
                await self._idle.wait()
            turns += 1
            await asyncio.sleep(0)

    def _fire(self) -> None:
        while self._timers:
            timer = heapq.heappop(self._timers)
            if not timer.fired.done():
                self.clock.time = max(self.clock.time, timer.until)
                timer.fired.set_result(None)
                return
        raise AssertionError("nothing works, and nothing is waited for")


class _Busy:
    def __init__(self, life: Life) -> None:
        self._life = life

    def __enter__(self) -> None:
        self._life._active += 1
        self._life._idle.clear()

    def __exit__(self, *_: object) -> None:
        self._life._active -= 1
        if not self._life._active:
            self._life._idle.set()


class Context:
    """`shared.orchestration.context.OrchestrationContext` for one instance of one life."""

    def __init__(self, life: Life, instance_id: str) -> None:
        self._life = life
        self._instance_id = instance_id
        self.again: dict[str, Any] | None = None

    @property
    def now(self) -> datetime:
        return self._life.clock()

    def activity(self, name: str, payload: dict[str, Any]) -> Any:
        return self._life.spawn(self._life.activity(name, payload))

    def orchestration(self, name: str, payload: dict[str, Any], instance_id: str) -> Any:
        return self._life.spawn(self._life.orchestrate(name, payload, instance_id))

    def event(self, name: str) -> Any:
        return self._life.event(self._instance_id, name)

    def timer(self, until: datetime) -> Any:
        return self._life.timer(until)

    def cancel(self, timer: Any) -> None:
        timer.cancel()

    def all(self, tasks: list[Any]) -> Any:
        return asyncio.gather(*tasks)

    def any(self, tasks: list[Any]) -> Any:
        return self._life.spawn(_first(tasks))

    def continue_as_new(self, payload: dict[str, Any]) -> None:
        self.again = payload


async def _first(tasks: list[Any]) -> Any:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return next(task for task in tasks if task in done)


async def _drive(orchestration: Any) -> None:
    """Feed an orchestration the results it yields for."""
    send, value = orchestration.send, None
    while True:
        try:
            waited_for = send(value)
        except StopIteration:
            return
        try:
            send, value = orchestration.send, await waited_for
        except Exception as error:  # noqa: BLE001 - every failed task is handed to the orchestration, as the SDK does
            send, value = orchestration.throw, error


async def _nothing(_life: Life) -> bool:
    return False


async def _advance(services: Services, body: dict[str, Any]) -> Any:
    return (await advance_node(services, NodeRef.model_validate(body))).model_dump(mode="json", exclude_defaults=True)


async def _begin(services: Services, body: dict[str, Any]) -> Any:
    return (await begin_swarm(services, NodeRef.model_validate(body))).model_dump(mode="json", exclude_defaults=True)


async def _fail(services: Services, body: dict[str, Any]) -> None:
    await fail_node(services, Failure.model_validate(body))


async def _finish(services: Services, body: dict[str, Any]) -> None:
    await finish_swarm(services, NodeRef.model_validate(body))


_ACTIVITIES: dict[str, Callable[[Services, dict[str, Any]], Awaitable[Any]]] = {
    ADVANCE_NODE: _advance,
    BEGIN_SWARM: _begin,
    FAIL_NODE: _fail,
    FINISH_SWARM: _finish,
}
