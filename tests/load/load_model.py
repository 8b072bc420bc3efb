"""The model of a load run, as a process of its own: answers by the script and notes whose marks each call bears.

python -m tests.load.load_model --seen FILE [--latency LOW HIGH] [--cross FROM TO]
"""

import argparse
import asyncio
import json
import signal
import sys
from io import FileIO
from pathlib import Path
from typing import Any
from zlib import crc32

from local.scripted import Call, Reply, ScriptedModel
from tests.crash import crash_script
from tests.load.load_script import marks_in

#: The fewest and the most seconds an answer takes, unless told otherwise: those of a small hosted model.
LATENCY = (0.2, 1.0)


class Watcher:
    """The rule of the script, with a line of JSON in a file for every call."""

    def __init__(self, seen: FileIO, latency: tuple[float, float], cross: tuple[str, str] | None) -> None:
        self._seen = seen
        self._latency = latency
        #: Whose documents bear another's mark: a fault that a test sows.
        self._cross = cross

    def __call__(self, call: Call) -> Reply:
        text = "\n".join(message["content"] for message in call.messages)
        reply = crash_script.rule(call)
        answer = reply.content if isinstance(reply.content, str) else json.dumps(reply.content)
        if self._cross is not None and call.schema_name is None:
            answer = answer.replace(*self._cross)
        told: dict[str, Any] = {
            "step": call.step,
            "schema": call.schema_name or "",
            "marks": sorted(marks_in(text)),
            "input": len(text) // 4,
            "output": len(answer) // 4,
        }
        self._seen.write(json.dumps(told).encode() + b"\n")
        return Reply(answer, delay=self._delay(call), input_tokens=told["input"], output_tokens=told["output"])

    def _delay(self, call: Call) -> float:
        low, high = self._latency
        return low + (high - low) * (crc32(call.step.split("/", 2)[-1].encode()) % 100 / 100)


async def _serve(rule: Watcher) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with ScriptedModel(rule) as server:
        sys.stdout.write(f"Listening on {server.url}\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.load_model", description=__doc__)
    parser.add_argument("--seen", type=Path, required=True, metavar="FILE")
    parser.add_argument("--latency", type=float, nargs=2, default=LATENCY, metavar=("LOW", "HIGH"))
    parser.add_argument("--cross", nargs=2, metavar=("FROM", "TO"))
    given = parser.parse_args()
    with FileIO(str(given.seen), "a") as seen:
        asyncio.run(_serve(Watcher(seen, tuple(given.latency), given.cross and tuple(given.cross))))


if __name__ == "__main__":
    main()
