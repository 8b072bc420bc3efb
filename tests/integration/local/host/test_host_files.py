"""How many files the host may open, and how many of them the store takes."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")

_PROGRAM = """
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard if {hard} is None else {hard}))
from local.host.__main__ import allow_files
from shared.adapters.sqlite.folder import affordable
before = affordable()
allow_files()
print(before, resource.getrlimit(resource.RLIMIT_NOFILE)[0], affordable())
"""


def said(hard: int | None) -> list[int]:
    program = _PROGRAM.format(hard=hard)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    return [int(part) for part in done.stdout.split()]


def test_the_host_raises_a_small_bound_and_the_store_then_keeps_more_spaces_open() -> None:
    assert said(hard=4_096) == [64, 4_096, 512]
    assert said(hard=1_024) == [64, 1_024, 128]


def test_the_host_takes_no_more_files_than_it_needs() -> None:
    assert said(hard=None)[1] <= 8_192
