"""Drives orchestrations: wakes them, runs their turns, stores each turn whole and then does what it asks for."""

import asyncio
import contextvars
import functools
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from local.host.durable import episode, sdk
from local.host.durable.activities import ActivityRunner, Result, Work
from local.host.durable.model import Instance, Kind, Message, Parent
from local.host.durable.protocol import Status, missing, parse_stamp, stamp
from local.host.durable.recovery import recover
from local.host.durable.replay_cache import ReplayCache
from local.host.durable.storage import Storage
from local.host.durable.timer_queue import Alarms
from local.host.durable.turn import Call, Ending, Renewal, Turn
from local.host.invoke import Invoker
from local.host.logs import log
from local.host.settings import HostSettings

#: How long turns may keep the loop before other callbacks get their time, in seconds.
_SLICE = 0.01
#: A turn with more replayed text than this runs in a thread: about 200 events, some 2 ms.
_LONG_REPLAY = 40_000
_MAX_CRASHES = 4
_PURGE_EVERY = 30.0

Handle = Callable[[Any], str]


class AlreadyRunning(Exception):
    """An orchestration of that id has not ended yet."""


class InboxFull(Exception):
    """More messages wait for the orchestration than the host keeps."""


class Engine:
    """All orchestrations of one state file. Everything here runs on the loop, in steps that do not await."""

    def __init__(
        self,
        storage: Storage,
        orchestrators: Mapping[str, Handle],
        activities: Mapping[str, Invoker],
        settings: HostSettings,
    ) -> None:
        self._storage = storage
        self._orchestrators = orchestrators
        self._settings = settings
        self._rules = episode.Rules(settings.wait_for_open_tasks, settings.max_actions)
        self._activities = ActivityRunner(activities, settings.max_activities, self._mark, self._activity_done)
        self._alarms = Alarms()
        self._ready: deque[Instance] = deque()
        self._pumping = self._stopped = False
        self._replays = ReplayCache(storage)
        self._threads = ThreadPoolExecutor(min(2, settings.max_orchestrators), "host-replay")
        self._housekeeping: asyncio.TimerHandle | None = None
        # Orchestrators must not see the context of whatever request happened to wake them.
        self._context = contextvars.copy_context()
        self.instances: dict[str, Instance] = {}
        self.turns = 0

    def start(self) -> None:
        """Take up what the state file holds."""
        sdk.prepare()
        found = recover(self._storage)
        self.instances = found.instances
        for timer in found.timers:
            self._set_alarm(timer.instance, timer.row, timer.task_id, timer.fire_at)
        for work in found.work:
            self._take_up(work)
        for instance in self.instances.values():
            if instance.inbox or not instance.started:
                self._wake(instance)
        if self.instances:
            log.info("recovered %d orchestrations, %d activities", len(self.instances), len(found.work))
        self._keep_house()

    def halt(self) -> None:
        """Take no further turn: what is in memory can no longer be stored."""
        self._stopped = True

    async def stop(self) -> None:
        """Stop taking turns; let one in a thread end; leave the rest in the state file."""
        self._stopped = True
        self._alarms.stop()
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        await self._activities.stop()
        await asyncio.to_thread(self._threads.shutdown)
        self._storage.forgive_crashes()

    def stats(self) -> dict[str, int]:
        """Counters for measurements."""
        return {
            "running": len(self.instances),
            "activities_running": self._activities.running,
            "activities_waiting": self._activities.waiting,
            "turns": self.turns,
            "commits": self._storage.commits,
            "history_events_total": self._storage.totals.get("history_events_total", 0),
            "history_bytes_total": self._storage.totals.get("history_bytes_total", 0),
            "orchestrations_total": self._storage.totals.get("orchestrations_total", 0),
            "activities_total": self._storage.totals.get("activities_total", 0),
        }

    def knows(self, name: str) -> bool:
        """Whether the app has an orchestrator of that name; case does not count."""
        return name.casefold() in self._orchestrators

    # What clients ask for. The caller awaits `storage.committed()` before it says that it is done.

    def create(self, name: str, instance_id: str, body: str | None, version: str = "") -> Instance:
        """Start an orchestration; one of the same id that has finished is replaced."""
        if instance_id in self.instances:
            raise AlreadyRunning(f"an orchestration with id {instance_id!r} is already running")
        return self._create(name, instance_id, body, version, None, replaces=True)

    def send(self, instance: Instance, kind: Kind, name: str, body: str | None) -> None:
        """Put an event, or a word of control, into the instance's inbox."""
        if len(instance.inbox) + sum(map(len, instance.buffer.values())) >= self._settings.inbox_limit:
            raise InboxFull(f"{self._settings.inbox_limit} messages already wait for {instance.instance_id!r}")
        self._post(instance, kind, -1, name, body)

    # Steps.

    def _create(
        self, name: str, instance_id: str, body: str | None, version: str, parent: Parent | None, replaces: bool
    ) -> Instance:
        now = stamp(datetime.now(UTC))
        instance = Instance(
            row=self._storage.new_row("instances"),
            instance_id=instance_id,
            name=name,
            version=version,
            execution_id=uuid.uuid4().hex,
            input=body,
            created=now,
            updated=now,
            parent=parent,
        )
        self.instances[instance_id] = instance
        if replaces:
            self._storage.replace(instance_id, instance.row)
        self._storage.count("orchestrations_total", 1)
        self._storage.touch(instance)
        self._replays.begin(instance)
        self._wake(instance)
        return instance

    def _post(self, instance: Instance, kind: Kind, task_id: int, name: str, body: str | None) -> None:
        """Put a message into an inbox and wake the instance, unless it certainly could not go on yet."""
        row = self._storage.new_row("inbox")
        message = Message(row, kind, instance.generation, task_id, name, body)
        instance.inbox.append(message)
        if instance.may_go_on(message):
            self._wake(instance)
        self._storage.add_message(instance, message)

    def _wake(self, instance: Instance) -> None:
        if instance.queued or instance.busy or instance.finished:
            return
        instance.queued = True
        self._ready.append(instance)
        self._schedule_pump()

    def _schedule_pump(self) -> None:
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump, context=self._context)

    def _pump(self) -> None:
        """Run the turns of instances that are awake, for a slice of time."""
        self._pumping = False
        until = time.monotonic() + _SLICE
        while self._ready and not self._stopped:
            instance = self._ready.popleft()
            instance.queued = False
            if not instance.finished:
                self._turn(instance)
            if time.monotonic() > until:
                break
        if self._ready and not self._stopped:
            self._schedule_pump()

    def _turn(self, instance: Instance) -> None:
        long = self._replays.size(instance) > _LONG_REPLAY
        if long:
            # The turn leaves the loop halfway: nothing of this instance may then still wait to be stored.
            self._storage.commit()
        messages = instance.take_messages()
        ended = next((message for message in messages if message.kind is Kind.TERMINATE), None)
        if ended is not None:
            turn = episode.terminate(instance, datetime.now(UTC), ended.body or "")
            self._store(instance, turn, messages)
            return
        turn = episode.begin(instance, messages, datetime.now(UTC))
        if not turn.replays:
            self._store(instance, turn, messages)
            return
        handle = self._orchestrators.get(instance.name.casefold())
        if handle is None:
            reply = sdk.Reply(error=missing(instance.name, "an orchestrator"), broken=True)
            self._apply(instance, turn, messages, reply)
            return
        context = turn.context(instance, self._replays.get(instance))
        if long:
            self._apply_later(instance, turn, messages, functools.partial(sdk.replay, handle, context))
        else:
            self._apply(instance, turn, messages, sdk.replay(handle, context))

    def _apply_later(
        self, instance: Instance, turn: Turn, messages: list[Message], replay: Callable[[], sdk.Reply]
    ) -> None:
        instance.busy = True

        def apply(done: "asyncio.Future[sdk.Reply]") -> None:
            instance.busy = False
            if done.cancelled() or self._stopped:
                return
            self._apply(instance, turn, messages, done.result())
            if instance.inbox:
                self._wake(instance)

        asyncio.get_running_loop().run_in_executor(self._threads, replay).add_done_callback(apply)

    def _apply(self, instance: Instance, turn: Turn, messages: list[Message], reply: sdk.Reply) -> None:
        self.turns += 1
        episode.apply(instance, turn, reply, self._rules)
        if turn.lingering and not instance.lingering:
            instance.lingering = True
            log.warning(
                "%s (%s) has returned with %d tasks open; like on Azure it stays Running until they end",
                instance.name,
                instance.instance_id,
                turn.lingering,
            )
        self._store(instance, turn, messages)

    def _store(self, instance: Instance, turn: Turn, messages: list[Message]) -> None:
        """Note a whole turn; what it asks for happens once it is stored."""
        for message in messages:
            self._storage.drop_message(message.row)
        instance.updated = turn.clock
        if turn.is_empty:
            self._storage.touch(instance)
            return
        count, full, replayed = turn.chunk()
        self._storage.add_history(instance, count, full)
        self._replays.append(instance, replayed)
        self._do(instance, turn)
        if isinstance(turn.outcome, Ending):
            self._finish(instance, turn.outcome, turn.clock)
        elif turn.outcome is not None:
            self._renew(instance, turn.outcome)
        elif not instance.suspended and next(instance.deliverable(), None) is not None:
            self._wake(instance)

    def _do(self, instance: Instance, turn: Turn) -> None:
        """Note what the turn asks for."""
        for task_id in turn.cancelled:
            self._drop_timer(instance, task_id)
        for task_id, fire_at in turn.timers:
            self._set_timer(instance, task_id, fire_at)
        self._start_activities(instance, turn.activities)
        for call in turn.children:
            self._start_child(instance, call)

    def _start_activities(self, instance: Instance, calls: list[Call]) -> None:
        items = []
        for call in calls:
            if not self._activities.knows(call.name):
                self._post(instance, Kind.FAILED, call.task_id, missing(call.name, "an activity"), "")
                continue
            row = self._storage.new_row("work")
            instance.work[call.task_id] = row
            self._storage.add_work(row, instance, call.task_id, call.name, call.input)
            items.append(Work(row, instance, instance.generation, call.task_id, call.name, call.input))
        if items:
            self._storage.count("activities_total", len(items))
            self._storage.after_commit(functools.partial(self._activities.submit, items))

    def _activity_done(self, work: Work, result: Result) -> None:
        instance = work.instance
        if self._stopped or instance.finished or work.generation != instance.generation:
            return
        row = instance.work.pop(work.task_id, None)
        if row is None:
            return
        self._storage.drop_work(row)
        if result.reason is None:
            self._post(instance, Kind.COMPLETED, work.task_id, "", result.output)
        else:
            self._post(instance, Kind.FAILED, work.task_id, result.reason, result.details)

    def _take_up(self, work: Work) -> None:
        """Run recovered work again, unless the host has died with it too often."""
        work.instance.work[work.task_id] = work.row
        if not self._activities.knows(work.name):
            self._activity_done(work, Result(reason=missing(work.name, "an activity")))
        elif work.crashes >= _MAX_CRASHES:
            reason = f"Activity function '{work.name}' failed:  the host has ended {work.crashes + 1} times during it"
            self._activity_done(work, Result(reason=reason))
        else:
            self._activities.submit([work])

    async def _mark(self, work: Work) -> None:
        """Store, before recovered work starts, that it does: it may be what kills the host."""
        self._storage.set_crashes(work.row, work.crashes + 1)
        await self._storage.committed()

    def _start_child(self, parent: Instance, call: Call) -> None:
        if not self.knows(call.name):
            self._post(parent, Kind.FAILED, call.task_id, missing(call.name, "an orchestrator"), "")
        elif call.child_id in self.instances:
            reason = f"an orchestration with id {call.child_id!r} is already running"
            self._post(parent, Kind.FAILED, call.task_id, reason, "")
        else:
            link = Parent(parent, parent.instance_id, parent.execution_id, call.task_id)
            self._create(call.name, call.child_id, call.input, call.version, link, replaces=call.named)

    def _set_timer(self, instance: Instance, task_id: int, fire_at: str) -> None:
        row = self._storage.new_row("timers")
        self._storage.add_timer(row, instance, task_id, fire_at)
        self._set_alarm(instance, row, task_id, fire_at)

    def _set_alarm(self, instance: Instance, row: int, task_id: int, fire_at: str) -> None:
        instance.timers[task_id] = row
        ring = functools.partial(self._timer_due, instance, task_id, fire_at)
        self._alarms.set(row, parse_stamp(fire_at).timestamp(), ring)

    def _timer_due(self, instance: Instance, task_id: int, fire_at: str) -> None:
        self._storage.drop_timer(instance.timers.pop(task_id))
        self._post(instance, Kind.TIMER, task_id, fire_at, None)

    def _drop_timer(self, instance: Instance, task_id: int) -> None:
        row = instance.timers.pop(task_id, None)
        if row is not None:
            self._alarms.cancel(row)
            self._storage.drop_timer(row)

    def _abandon(self, instance: Instance) -> None:
        """Forget what this generation has open."""
        for row in instance.work.values():
            self._storage.drop_work(row)
        for task_id in list(instance.timers):
            self._drop_timer(instance, task_id)

    def _finish(self, instance: Instance, ending: Ending, clock: str) -> None:
        self._abandon(instance)
        for message in instance.inbox:
            self._storage.drop_message(message.row)
        instance.inbox.clear()
        instance.ended, instance.output, instance.finished = ending.status, ending.output, clock
        del self.instances[instance.instance_id]
        self._replays.drop(instance)
        level = log.warning if ending.status is Status.FAILED else log.debug
        level("%s %s (%s)", instance.name, ending.status.lower(), instance.instance_id)
        parent = instance.parent
        if parent is None or parent.instance is None or parent.instance.execution_id != parent.execution_id:
            return
        if parent.instance.finished:
            return
        if ending.status is Status.COMPLETED:
            self._post(parent.instance, Kind.COMPLETED, parent.task_id, "", ending.output)
        else:
            self._post(parent.instance, Kind.FAILED, parent.task_id, ending.reason, ending.details)

    def _renew(self, instance: Instance, renewal: Renewal) -> None:
        self._abandon(instance)
        self._storage.drop_history(instance)
        kept = []
        for message in instance.inbox:
            if message.kind in (Kind.COMPLETED, Kind.FAILED, Kind.TIMER):
                self._storage.drop_message(message.row)
            else:
                kept.append(message)
        instance.inbox = kept
        instance.renew(uuid.uuid4().hex, renewal.input)
        self._replays.begin(instance)
        self._wake(instance)

    def _keep_house(self) -> None:
        """Purge finished orchestrations over the bounds, a slice at a time."""
        if self._stopped:
            return
        oldest = stamp(datetime.now(UTC) - timedelta(seconds=self._settings.keep_seconds))
        more = self._storage.purge(self._settings.keep_finished, oldest)
        wait = 0.2 if more else _PURGE_EVERY
        self._housekeeping = asyncio.get_running_loop().call_later(wait, self._keep_house)
