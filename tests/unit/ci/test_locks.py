"""The lock files: they pin by hash all that the requirements need, name no registry, and are what is installed here."""

import os
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from infra.locks import Pin, disagreements, read_lock, read_requirements

ROOT = Path(__file__).parents[3]
LOCKS = sorted(ROOT.glob("requirements*.lock"))

each = pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
#: Those whose libraries are installed here.
installed = pytest.mark.parametrize("name", ["requirements", "requirements-dev"])

pytestmark = pytest.mark.skipif("UNLOCKED" in os.environ, reason="UNLOCKED: the locks are not what is installed")


def closure(requirements: list[Requirement]) -> set[NormalizedName]:
    """What they install here, by the metadata of what is installed."""
    found: set[NormalizedName] = set()
    waiting, seen = list(requirements), set[str]()
    while waiting:
        needed = waiting.pop()
        if str(needed) in seen or (needed.marker is not None and not needed.marker.evaluate()):
            continue
        seen.add(str(needed))
        found.add(canonicalize_name(needed.name))
        for extra in needed.extras or {""}:
            for line in distribution(needed.name).requires or []:
                further = Requirement(line)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    further.marker = None
                    waiting.append(further)
    return found


def pins(name: str) -> dict[NormalizedName, Pin]:
    return {pin.name: pin for pin in read_lock(ROOT / f"{name}.lock")}


def test_there_is_one_for_what_is_deployed_developed_with_and_audited_with() -> None:
    assert [path.stem for path in LOCKS] == ["requirements-audit", "requirements-dev", "requirements"]


@each
def test_every_library_is_pinned_once_and_by_hash(path: Path) -> None:
    found = read_lock(path)
    assert len({pin.name for pin in found}) == len(found) > 10
    for pin in found:
        assert pin.version, pin.name
        assert pin.hashes, pin.name
        assert all(len(digest) == 71 and digest.startswith("sha256:") for digest in pin.hashes), pin.name


@each
def test_it_names_no_registry(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    assert [word for word in ("://", "index-url", "find-links", " @ ", "trusted-host") if word in text] == []


@each
def test_it_agrees_with_its_source(path: Path) -> None:
    assert disagreements(path) == []


def test_a_requirement_that_is_not_locked_is_told(tmp_path: Path) -> None:
    (tmp_path / "more.lock").write_text("one==1.0 \\\n    --hash=sha256:aa\nTwo==2.0 \\\n    --hash=sha256:bb\n")
    (tmp_path / "more.txt").write_text("-r base.txt\ntwo==2.1\n")
    (tmp_path / "base.txt").write_text("# A comment.\none==1.0\nthree[more]>=3\n")

    assert disagreements(tmp_path / "more.lock") == [
        "more.lock has nothing for three[more]>=3: run `make lock`",
        "more.lock has 2.0 for two==2.1: run `make lock`",
    ]


@installed
def test_it_holds_what_is_needed_and_nothing_else(name: str) -> None:
    locked = {pin.name for pin in pins(name).values() if pin.is_for_here}
    assert locked == closure(read_requirements(ROOT / f"{name}.txt"))


@installed
def test_what_is_tested_is_what_is_locked(name: str) -> None:
    locked = {pin.name: pin.version for pin in pins(name).values() if pin.is_for_here}
    assert {library: version(library) for library in locked} == locked


def test_what_is_developed_with_is_what_is_deployed() -> None:
    deployed, developed = pins("requirements"), pins("requirements-dev")
    assert {name: developed[name] for name in deployed} == deployed
