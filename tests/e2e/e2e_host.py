"""An embedded host as a process of its own."""

import asyncio
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from e2e_client import Deployment

ROOT = Path(__file__).parents[2]
#: What the HTTP library logs of a request that is none, before the host has anything to do with it.
_NO_HTTP = re.compile(
    r"[^\n]*Error handling request[^\n]*\nTraceback[^\n]*\n(?:  [^\n]*\n)*aiohttp\.http_exceptions\.Bad"
)


@asynccontextmanager
async def serving(folder: Path, model_url: str, **more: str) -> AsyncIterator[Deployment]:
    """Start one with everything it stores in `folder`, and stop it.

    It must end in an orderly way, and with no traceback in its log.
    """
    management, log = secrets.token_urlsafe(24), folder / "host.log"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWARMSTAR_", "OPENAI_"))}
    told = {
        "SWARMSTAR_MODEL_BASE_URL": model_url,
        "SWARMSTAR_MODEL_API_KEY": "not-a-secret",
        "SWARMSTAR_MODEL": "gpt-5-mini",
        "SWARMSTAR_LOCAL_USER": "local",
        "SWARMSTAR_SPACES_DIR": str(folder / "spaces"),
        "SWARMSTAR_HOST_KEY": management,
        "TASKHUB_NAME": "e2e",
    }
    options = ["--root", str(ROOT), "--no-local-settings", "--port", "0", "--state", str(folder / "host.db")]
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local.host", *options),
            cwd=ROOT,
            env=kept | told | more,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        url = await _address(process, log)
        async with aiohttp.ClientSession() as session:
            spaces = None if more.get("SWARMSTAR_STORE") == "cosmos" else folder / "spaces"
            yield Deployment(session, url, None, spaces, management)
    finally:
        await _stop(process)
    said = _NO_HTTP.sub("", _said(log))
    assert process.returncode == 0, said[-4_000:]
    assert "Traceback" not in said, said[max(0, said.index("Traceback") - 1_000) :][:6_000]


def _said(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line = (await process.stdout.readline()).decode()
    assert line.startswith("Listening on http://"), _said(log)[-4_000:]
    return line.split()[-1]


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(30):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
