"""What a process used: processor time, memory and bytes in files. Linux only."""

import time
from pathlib import Path


def processes(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += processes(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all below it so far, user and system, exact to the nanosecond."""
    # The clock of another process, as clock_getcpuclockid(3) makes it.
    return sum(time.clock_gettime((~one << 3) | 2) for one in processes(pid))


def reset_peak(pid: int) -> None:
    """Have the peak of a process's memory be counted from now on."""
    for one in processes(pid):
        Path(f"/proc/{one}/clear_refs").write_text("5")


def peak_memory(pid: int) -> int:
    """The most memory a process and those below it had resident since the last `reset_peak`, in bytes."""
    return sum(_status(one, "VmHWM") for one in processes(pid))


def _status(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return 0


def bytes_in(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def machine_load() -> float:
    """Processes that ran or wanted to run, averaged over the last minute."""
    return float(Path("/proc/loadavg").read_text().split()[0])
