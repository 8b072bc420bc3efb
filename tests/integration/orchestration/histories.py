"""Recorded orchestrations: how they lie in `tests/data/histories`, and how one is replayed on the real SDK.

A file is one swarm. It holds its orchestrations, each with its episodes in order. An episode holds the events that it
added to the history, as the host wrote them but for `IsPlayed`, which tells the past from what is new; and what the
orchestrator answered to them: the actions that are new or changed since the episode before, by their place in the list.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.host.durable import sdk
from local.host.durable.protocol import EventType

FOLDER = Path(__file__).parents[2] / "data" / "histories"

#: Events that an episode writes after the orchestrator has answered; it is shown them from the next one on.
_AFTERWARDS = {
    EventType.TASK_SCHEDULED,
    EventType.CHILD_CREATED,
    EventType.TIMER_CREATED,
    EventType.EXECUTION_COMPLETED,
    EventType.ORCHESTRATOR_COMPLETED,
}

Json = dict[str, Any]
#: An orchestrator as the SDK hands it to the host.
Handle = Callable[[Any], str]


@dataclass
class Answer:
    """What the orchestrator answered in one episode."""

    done: bool
    #: Place in the list of actions, and the action that is there now.
    asked: list[tuple[int, Json]]
    output: str | None = None
    error: str | None = None


@dataclass
class Episode:
    """What one episode added to the history. There is no answer where the host did not ask: it does retries itself."""

    events: list[Json]
    answer: Answer | None


@dataclass
class Recording:
    """One execution of one orchestration."""

    name: str
    instance_id: str
    parent_id: str | None
    input: str | None
    episodes: list[Episode] = field(default_factory=list)

    def context(self, number: int) -> str:
        """What the host hands the orchestrator in an episode: the past, and what is new."""
        past = [{**event, "IsPlayed": True} for episode in self.episodes[:number] for event in episode.events]
        new = [event for event in self.episodes[number].events if event["EventType"] not in _AFTERWARDS]
        return json.dumps(
            {
                "history": past + [{**event, "IsPlayed": False} for event in new],
                "input": self.input,
                "instanceId": self.instance_id,
                "isReplaying": False,
                "parentInstanceId": self.parent_id,
                "upperSchemaVersion": 2,
            }
        )

    def answers(self) -> Iterator[tuple[int, Answer, list[Json]]]:
        """For each episode the answer, and all actions that were asked for up to then.

        In an episode that was not answered, nothing new can be asked for.
        """
        actions: list[Json] = []
        for number, episode in enumerate(self.episodes):
            answer = episode.answer or Answer(done=False, asked=[])
            for place, action in answer.asked:
                actions[place : place + 1] = [action]
            yield number, answer, list(actions)


def differences(recording: Recording, handle: Handle) -> list[str]:
    """Where an orchestrator answers the prefixes of a history otherwise than it did; empty if nowhere."""
    found = []
    for number, answer, actions in recording.answers():
        reply = sdk.replay(handle, recording.context(number))
        told = {
            "actions": (actions, reply.actions),
            "end": (answer.done, reply.done),
            "output": (answer.output, reply.output),
            "error": (answer.error, reply.error),
        }
        found += [
            f"{recording.name} {recording.instance_id}, episode {number}: {what} {before!r} became {now!r}"
            for what, (before, now) in told.items()
            if before != now
        ]
    return found


def changes(before: list[Json], now: list[Json]) -> list[tuple[int, Json]]:
    """The actions that are new or changed; the list never gets shorter."""
    return [(place, action) for place, action in enumerate(now) if place >= len(before) or before[place] != action]


def load(path: Path) -> list[Recording]:
    """The orchestrations of one file."""
    return [_recording(item) for item in json.loads(path.read_text(encoding="utf-8"))]


def _recording(item: Json) -> Recording:
    episodes = [Episode(one["events"], _answer(one["answer"])) for one in item.pop("episodes")]
    return Recording(**item, episodes=episodes)


def _answer(item: Json | None) -> Answer | None:
    return None if item is None else Answer(**{**item, "asked": [(place, action) for place, action in item["asked"]]})


def dump(recordings: Iterable[Recording]) -> str:
    """The text of a file, an event and an action to a line."""
    return "[\n" + ",\n".join(map(_dump, recordings)) + "\n]\n"


def _dump(recording: Recording) -> str:
    head = {name: value for name, value in vars(recording).items() if name != "episodes"}
    episodes = ",\n".join(_dump_episode(episode) for episode in recording.episodes)
    return f'{json.dumps(head)[:-1]}, "episodes": [\n{episodes}\n]}}'


def _dump_episode(episode: Episode) -> str:
    events = ",\n    ".join(map(json.dumps, episode.events))
    if episode.answer is None:
        return f'  {{"events": [\n    {events}],\n   "answer": null}}'
    answer = asdict(episode.answer)
    asked = ",\n    ".join(json.dumps(pair) for pair in answer.pop("asked"))
    return f'  {{"events": [\n    {events}],\n   "answer": {json.dumps(answer)[:-1]}, "asked": [\n    {asked}]}}}}'
