"""What one run of the benchmark measures, in which order, and the samples it brings back."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import systems
from bench.measure import machine_load
from bench.processes import stub
from bench.sample import Sample
from bench.systems import System
from bench.workload import Workload

#: 85, 781 and 1,111 nodes; the last is what is compared when one number is wanted.
SHAPES = ((4, 3), (5, 4), (10, 3))
MAIN = SHAPES[-1]
#: 9,331 nodes, for the slope.
LARGE = (6, 5)
LATENCIES = (0, 200, 1_000)
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Run:
    """One system's way through some workloads, in a process of its own."""

    #: What it is for: `workload`, `orchestration`, `slope` or `counts`.
    part: str
    system: System
    workloads: tuple[Workload, ...]
    #: Whether the stub answers; otherwise calls are answered in the system's process, at once.
    stub: bool = True
    times: int = REPEATS


@dataclass(frozen=True, slots=True)
class Measured:
    """A sample, and what it is a sample of."""

    part: str
    system: str
    workload: Workload
    sample: Sample
    #: Load of the machine just before.
    load: float

    def as_json(self) -> dict[str, object]:
        """Plain values, for the results file."""
        return {**asdict(self), "workload": {**asdict(self.workload), "nodes": self.workload.nodes}}


def full(repeats: int = REPEATS) -> list[Run]:
    """Everything that is reported."""
    every = tuple(Workload(b, d, latency) for b, d in SHAPES for latency in LATENCIES)
    at_once = tuple(Workload(b, d) for b, d in SHAPES)
    alone = (Workload(*MAIN),)
    compared = (systems.SWARMSTAR, systems.RAW, systems.RAW_SQLITE, systems.LANGGRAPH)
    runs = [Run("workload", system, every, times=repeats) for system in compared]
    # With the extra calls on at one size only: a whole run shall not take much over a quarter of an hour.
    runs.append(Run("workload", systems.SWARMSTAR_FULL, every[-len(LATENCIES) :], times=repeats))
    runs.append(Run("workload", systems.LANGGRAPH_SYNC, at_once, times=repeats))
    runs += [Run("orchestration", system, alone, stub=False, times=repeats) for system in compared]
    slope = (*at_once, Workload(*LARGE))
    runs += [Run("slope", system, slope, times=1) for system in compared]
    runs += [Run("counts", systems.counted(system), alone, times=1) for system in _OURS]
    return runs


def quick() -> list[Run]:
    """The smallest tree, once: whether everything runs and every tree is W."""
    smallest = (Workload(*SHAPES[0]),)
    runs = [Run("workload", system, smallest, times=1) for system in systems.ALL]
    return [*runs, *(Run("counts", systems.counted(system), smallest, times=1) for system in _OURS)]


_OURS = (systems.SWARMSTAR, systems.SWARMSTAR_FULL)


async def carry_out(runs: Iterable[Run]) -> tuple[list[Measured], list[str]]:
    """Measure, and say so; the samples, and in words what failed, which does not keep the rest from being measured.

    Systems take turns, so that a change of the machine's load meets all of them.
    """
    runs = list(runs)
    found: list[Measured] = []
    failed: list[str] = []
    with TemporaryDirectory(prefix="bench-") as folder:
        async with stub() as base_url:
            for turn in range(max(run.times for run in runs)):
                for number, run in enumerate(runs):
                    if turn < run.times:
                        own = _made(Path(folder) / f"{turn}-{number}")
                        try:
                            await _measure(run, base_url, own, found)
                        except (RuntimeError, TimeoutError, OSError) as error:
                            failed.append(f"{run.part}, {run.system.name}: {error or type(error).__name__}")
                            print(f"FAILED: {failed[-1]}", flush=True)
    return found, failed


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def _measure(run: Run, base_url: str, folder: Path, found: list[Measured]) -> None:
    if lacking := run.system.missing():
        print(f"{run.system.name}: left out, {lacking} is not installed")
        return
    async with run.system.started(base_url if run.stub else None, folder) as running:
        for workload in run.workloads:
            load = machine_load()
            sample = await running.run(workload)
            if sample.nodes != workload.nodes:
                raise RuntimeError(f"{run.system.name} made {sample.nodes} nodes of {workload.nodes}")
            found.append(Measured(run.part, run.system.name, workload, sample, load))
            print(f"{run.part:14} {run.system.name:34} {_line(workload, sample)}", flush=True)


def _line(workload: Workload, sample: Sample) -> str:
    cpu = sample.cpu / sample.nodes * 1_000
    return f"{workload.shape} {workload.latency:5} ms: {sample.seconds:7.2f} s, {cpu:5.2f} ms CPU/node"
