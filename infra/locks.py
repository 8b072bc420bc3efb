"""The lock files: what `requirements*.txt` install, transitive libraries too, each pinned with the hashes of its files.

`make lock` writes them, for every platform and each Python that is supported, without the name of a registry;
`python -m infra.locks` sees that they hold what the requirements name.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

_CONTINUED = re.compile(r"\\\n\s*")
_HASH = re.compile(r"\s--hash=(\S+)")


@dataclass(frozen=True, slots=True)
class Pin:
    """One locked library: the requirement as written, and the hashes any of its files may have."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> NormalizedName:
        """Its canonical name."""
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        """The one version; empty where it is not pinned to one."""
        found = re.fullmatch(r"==([^*,]+)", str(self.requirement.specifier))
        return found[1] if found else ""

    @property
    def is_for_here(self) -> bool:
        """Whether this platform and this Python get it."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def read_lock(path: Path) -> list[Pin]:
    """The pins of a lock file; raises `ValueError` for a line that is neither a pin nor a comment."""
    return [Pin(Requirement(_HASH.sub("", line)), tuple(_HASH.findall(line))) for line in _lines(path)]


def read_requirements(path: Path) -> list[Requirement]:
    """What a requirements file names, those of the files that it includes too."""
    found: list[Requirement] = []
    for line in _lines(path):
        included = line.removeprefix("-r ")
        found += [Requirement(line)] if included == line else read_requirements(path.with_name(included))
    return found


def disagreements(lock: Path) -> list[str]:
    """What the requirements beside a lock file name and the lock does not hold, or holds at another version."""
    locked = {pin.name: pin.version for pin in read_lock(lock)}
    found = []
    for needed in read_requirements(lock.with_suffix(".txt")):
        version = locked.get(canonicalize_name(needed.name))
        if version is None or not needed.specifier.contains(version):
            found.append(f"{lock.name} has {version or 'nothing'} for {needed}: run `make lock`")
    return found


def main() -> None:
    """Exit with every disagreement of the lock files in the working folder."""
    found = [line for lock in sorted(Path().glob("requirements*.lock")) for line in disagreements(lock)]
    if found:
        sys.exit("\n".join(found))


def _lines(path: Path) -> list[str]:
    text = _CONTINUED.sub(" ", path.read_text(encoding="utf-8"))
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


if __name__ == "__main__":
    main()
