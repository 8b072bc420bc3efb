"""Run the scripted endpoint as a process of its own: `python -m local.scripted --rules module:function`."""

import argparse
import asyncio
import signal
import sys
from importlib import import_module
from pathlib import Path

from local.scripted.rules import Rule, say_ok
from local.scripted.server import ScriptedModel


def load_rule(name: str | None) -> Rule:
    """The function that `module:function` names; answers `ok` to everything when there is no name."""
    if name is None:
        return say_ok
    module, _, function = name.partition(":")
    rule: Rule = getattr(import_module(module), function)
    return rule


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.scripted", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--rules", metavar="MODULE:FUNCTION", help="what to answer")
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS", help="how long every answer takes")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append one JSON line for each call")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    if sys.platform != "win32":
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    rule = load_rule(arguments.rules)
    server = ScriptedModel(rule, port=arguments.port, latency=arguments.latency / 1_000, log=arguments.log)
    async with server:
        sys.stdout.write(f"Listening on {server.url}\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    arguments = _arguments()
    if sys.platform == "win32":
        asyncio.run(_serve(arguments))
    else:
        import uvloop  # has no Windows build

        uvloop.run(_serve(arguments))


if __name__ == "__main__":
    main()
