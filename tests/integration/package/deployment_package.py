"""The deployment package as azd and Core Tools make it, and the installed closure of its requirements."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[3]
SITE = next(Path(place) for place in sys.path if place.endswith("site-packages"))


def tracked() -> list[str]:
    """Every file of the checkout that is no litter: what git knows, and what it would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return sorted(name for name in listed if name and (ROOT / name).is_file())


def ignored() -> GitIgnoreSpec:
    """What `.funcignore` leaves out."""
    return GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())


def walked(folder: Path) -> Iterator[str]:
    """Every file that is packaged, litter or not; folders that are left out are not entered."""
    spec = ignored()
    for place in sorted(folder.iterdir()):
        name = place.relative_to(ROOT).as_posix()
        if place.is_dir() and not spec.match_file(f"{name}/"):
            yield from walked(place)
        elif place.is_file() and not spec.match_file(name):
            yield name


def build(folder: Path) -> list[str]:
    """Copy what is packaged into a folder; its names."""
    names = list(walked(ROOT))
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return names


def closure() -> dict[str, Distribution]:
    """What `requirements.txt` installs here, by canonical name."""
    found: dict[str, Distribution] = {}
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    waiting = [Requirement(line) for line in lines if line and not line.startswith("#")]
    seen: set[str] = set()
    while waiting:
        needed = waiting.pop()
        if str(needed) in seen:
            continue
        seen.add(str(needed))
        installed = distribution(needed.name)
        found[re.sub(r"[-_.]+", "-", needed.name).lower()] = installed
        extras = needed.extras or {""}
        for further in map(Requirement, installed.requires or []):
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(further)
    return found


def installed_bytes(one: Distribution) -> int:
    """The size of a distribution's files, without what Python compiles."""
    places = (Path(str(one.locate_file(file))) for file in one.files or [] if not file.name.endswith(".pyc"))
    return sum(place.stat().st_size for place in places if place.is_file())
