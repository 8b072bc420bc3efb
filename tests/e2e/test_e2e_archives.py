"""Archives as large as real work gets, taken out and in over HTTP, and taken in once however often they are sent."""

import hashlib
import io
import json
import os
import secrets
import sys
import zipfile
from pathlib import Path

import pytest
from e2e_client import Answer, Deployment, Swarms

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEGABYTE = 1 << 20
#: Files of two megabytes that are added to a swarm.
FILES = 10
ZIP = {"Content-Type": "application/zip"}


def _heavier(archive: bytes) -> tuple[bytes, dict[str, bytes]]:
    """An archive with large artifacts that cannot be compressed, and their contents by the artifacts' ids."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        entries = {info.filename: opened.read(info) for info in opened.infolist()}
    added = {f"0-{90 + number}": secrets.token_bytes(2 * MEGABYTE) for number in range(FILES)}
    for artifact_id, content in added.items():
        sha256 = hashlib.sha256(content).hexdigest()
        entries[f"blobs/{sha256}"] = content
        artifact = {
            "artifact_id": artifact_id,
            "node_id": "0",
            "name": f"{artifact_id}.bin",
            "media_type": "application/octet-stream",
            "size": len(content),
            "created": "2026-03-01T00:00:00Z",
            "sha256": sha256,
        }
        line = {"key": artifact_id, "seq": 1_000, "value": artifact}
        entries["documents/artifact.jsonl"] += json.dumps(line).encode() + b"\n"
    manifest = json.loads(entries["manifest.json"])
    manifest["blobs"] += FILES
    manifest["documents"]["artifact"] = manifest["documents"].get("artifact", 0) + FILES
    entries["manifest.json"] = json.dumps(manifest).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return target.getvalue(), added


def _peak(deployment: Deployment) -> int:
    """The most memory that the deployment's process has held so far, in bytes; 0 where it cannot be seen."""
    if deployment.spaces is None:
        return 0
    state = str(deployment.spaces.parent / "host.db").encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if state in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                (line,) = [one for one in (entry / "status").read_text().splitlines() if one.startswith("VmHWM")]
                return int(line.split()[1]) * 1024
        except OSError:  # it has ended meanwhile
            continue
    return 0


async def _take_in(deployment: Deployment, archive: bytes, key: str) -> Answer:
    headers = ZIP | {"Idempotency-Key": key}
    return await deployment.call("POST", "archives", data=io.BytesIO(archive), headers=headers)


async def test_a_large_archive_comes_in_and_goes_out(swarms: Swarms) -> None:
    run = await swarms("Do it")
    await run.ended()
    deployment = run.deployment
    small = await deployment.call("GET", f"swarms/{run.swarm_id}/archive")
    archive, added = _heavier(small.body)
    assert len(archive) > 20 * MEGABYTE
    before = _peak(deployment)

    key = secrets.token_hex(16)
    taken = await _take_in(deployment, archive, key)
    assert taken.status == 201, taken
    swarm_id = taken.body["swarm_id"]
    for artifact_id, content in list(added.items())[:2]:
        assert (await deployment.call("GET", f"swarms/{swarm_id}/artifacts/{artifact_id}/content")).body == content
    out = await deployment.call("GET", f"swarms/{swarm_id}/archive")
    with zipfile.ZipFile(io.BytesIO(out.body)) as opened:
        blobs = {hashlib.sha256(opened.read(name)).hexdigest() for name in opened.namelist() if "blobs/" in name}
    assert blobs >= {hashlib.sha256(content).hexdigest() for content in added.values()}

    again = await _take_in(deployment, archive, key)
    assert (again.status, again.body) == (201, taken.body)
    assert again.headers["Location"] == taken.headers["Location"]
    other = await _take_in(deployment, archive[:-1], key)
    assert (other.status, other.type) == (409, "application/problem+json")

    grown = _peak(deployment) - before
    sizes = [round(size / 1e6) for size in (len(archive), before, grown)]
    if before:
        sys.stdout.write("an archive of {} MB: the peak of memory was {} MB and grew by {} MB\n".format(*sizes))
    assert grown < 5 * len(archive)
    assert (await deployment.call("DELETE", f"swarms/{swarm_id}")).status == 204
