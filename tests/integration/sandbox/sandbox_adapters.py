"""Adapters as a deployment has them, and requests for them."""

import logging
from collections.abc import Mapping

from local.sandbox.build import prepare
from shared.adapters.sandboxes.installation import Installation
from shared.adapters.sandboxes.wasm import wasm_sandbox
from shared.sandbox import Limits, RunRequest, Sandbox
from shared.types import SpaceKey

ADAPTERS = ["wasm"]
SPACE = SpaceKey("user", "swarm")


async def installation() -> Installation:
    """The installation of this checkout, which the set-up made."""
    return await prepare(logging.getLogger(__name__).info)


async def open_sandbox(name: str, workers: int = 1) -> Sandbox:
    """A sandbox by the name of its engine."""
    return wasm_sandbox(await installation(), workers)


def request(
    *command: str,
    files: Mapping[str, bytes | str] | None = None,
    stdin: bytes = b"",
    new_files: int = 2_000,
    **limits: float,
) -> RunRequest:
    """A run with short limits; `new_files` is the limit on their number."""
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in (files or {}).items()}
    bounds = Limits(**{"seconds": 20.0, "files": new_files, **limits})  # type: ignore[arg-type]
    return RunRequest(SPACE, "node", command, contents, stdin, bounds)
