"""Samples -> markdown: medians over the repeats, one table for each question."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from bench import systems
from bench.plan import LATENCIES, MAIN, SHAPES, Measured
from bench.workload import Workload

Value = Callable[[Measured], float]


class Results:
    """The samples of one run, to be asked for medians."""

    def __init__(self, measured: Sequence[Measured]) -> None:
        self._measured = measured

    def median(self, part: str, system: str, workload: Workload, value: Value) -> float | None:
        """The median of a value over the repeats, or None if that was not measured."""
        found = [value(m) for m in self._measured if (m.part, m.system, m.workload) == (part, system, workload)]
        return median(found) if found else None

    def systems(self, part: str) -> list[str]:
        """The systems of a part, in the order they were measured."""
        return list(dict.fromkeys(m.system for m in self._measured if m.part == part))

    def workloads(self, part: str) -> list[Workload]:
        """The workloads of a part, in the order they were measured."""
        return list(dict.fromkeys(m.workload for m in self._measured if m.part == part))

    def load(self) -> tuple[float, float]:
        """The least and the most load of the machine just before a sample."""
        loads = [m.load for m in self._measured]
        return min(loads), max(loads)

    def counts(self, system: str, workload: Workload) -> dict[str, float]:
        """What the host counted, for each node of W."""
        for m in self._measured:
            if (m.part, m.system, m.workload) == ("counts", system, workload):
                return {name: count / m.workload.nodes for name, count in m.sample.extra.items()}
        return {}


def rate(m: Measured) -> float:
    """Nodes of W a second."""
    return m.workload.nodes / m.sample.seconds


def cpu_of_node(m: Measured) -> float:
    """Milliseconds of processor time for each node of W."""
    return m.sample.cpu / m.workload.nodes * 1_000


def cpu_of_call(m: Measured) -> float:
    """Milliseconds of processor time for each call that was made."""
    return m.sample.cpu / m.sample.calls * 1_000


def efficiency(m: Measured) -> float:
    """The ideal makespan of W as a part of the makespan."""
    return m.workload.ideal / m.sample.seconds


def markdown(results: Results) -> str:
    """All tables."""
    parts = [_throughput(results), _efficiency(results), _orchestration(results), _slope(results), _counts(results)]
    return "\n\n".join(part for part in (*parts, _aims(results)) if part)


def _throughput(results: Results) -> str:
    rows = []
    for b, d in SHAPES:
        workload = Workload(b, d)
        for system in results.systems("workload"):
            values: list[tuple[Value, str]] = [
                (lambda m: m.sample.calls, "{:,.0f}"),
                (rate, "{:,.0f}"),
                (cpu_of_node, "{:.2f}"),
                (cpu_of_call, "{:.2f}"),
                (lambda m: m.sample.peak_memory / 2**20, "{:.0f}"),
                (lambda m: m.sample.bytes / m.workload.nodes, "{:,.0f}"),
            ]
            cells = [_cell(results.median("workload", system, workload, value), form) for value, form in values]
            if cells[0]:
                rows.append([workload.shape, f"{workload.nodes:,}", system, *cells])
    head = ["tree", "nodes", "system", "calls", "nodes/s", "CPU ms/node", "CPU ms/call", "peak MB", "bytes/node"]
    return "### Without model latency\n\n" + _table(head, rows)


def _efficiency(results: Results) -> str:
    latencies = [latency for latency in LATENCIES if latency]
    columns = [Workload(b, d, latency) for b, d in SHAPES for latency in latencies]
    measured = [workload for workload in columns if workload in results.workloads("workload")]
    if not measured:
        return ""
    rows = []
    for system in results.systems("workload"):
        cells = [_cell(results.median("workload", system, w, efficiency), "{:.2f}") for w in measured]
        if any(cells):
            rows.append([system, *cells])
    head = ["system", *(f"{w.shape}, {w.latency} ms" for w in measured)]
    return "### Efficiency: ideal makespan / makespan\n\n" + _table(head, rows)


def _orchestration(results: Results) -> str:
    workload = Workload(*MAIN)
    rows = [
        [system, _cell(results.median("orchestration", system, workload, cpu_of_node), "{:.2f}")]
        for system in results.systems("orchestration")
    ]
    if not rows:
        return ""
    return f"### Orchestration alone, {workload.shape}\n\n" + _table(["system", "CPU ms/node"], rows)


def _slope(results: Results) -> str:
    workloads = sorted(results.workloads("slope"), key=lambda w: w.nodes)
    if not workloads:
        return ""
    rows = []
    for system in results.systems("slope"):
        points = [(w.nodes, results.median("slope", system, w, cpu_of_node) or 0.0) for w in workloads]
        rows.append([system, *(f"{cpu:.2f}" for _, cpu in points), f"{slope(points) * 1e6:+.0f}"])
    head = ["system", *(f"{w.nodes:,} nodes" for w in workloads), "slope, µs/node per 1,000 nodes"]
    return "### CPU ms/node by size\n\n" + _table(head, rows)


def slope(points: Iterable[tuple[float, float]]) -> float:
    """The slope of the line of least squares."""
    points = list(points)
    middle = sum(x for x, _ in points) / len(points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * y for x, y in points) / spread if spread else 0.0


_COUNTED = {
    "store_get": "reads",
    "store_put": "writes",
    "store_increment": "frame reservations",
    "store_scan": "scans",
    "store_put_bytes": "bytes written",
    "activities_total": "activities",
    "history_events_total": "Durable history events",
    "history_bytes_total": "Durable history bytes",
}


def _counts(results: Results) -> str:
    rows = [
        [workload.shape, system, *(f"{counted.get(name, 0):,.2f}" for name in _COUNTED)]
        for workload in results.workloads("counts")
        for system in results.systems("counts")
        if (counted := results.counts(system, workload))
    ]
    return "### Store operations and Durable history, for each node\n\n" + _table(
        ["tree", "system", *_COUNTED.values()], rows
    )


def _aims(results: Results) -> str:
    """What is aimed at, and what came of it."""
    ours, graph, raw = systems.SWARMSTAR.name, systems.LANGGRAPH.name, systems.RAW.name
    lines = []
    for b, d in SHAPES:
        pair = [results.median("workload", system, Workload(b, d), rate) for system in (ours, graph)]
        if pair[0] and pair[1]:
            lines.append(f"- {Workload(b, d).shape}: {pair[0] / pair[1]:.2f} times the nodes/s of {graph}.")
        slow = Workload(b, d, 1_000)
        pair = [results.median("workload", system, slow, efficiency) for system in (ours, raw)]
        if pair[0] and pair[1]:
            lines.append(f"- {slow.shape}, 1,000 ms: {pair[0] / pair[1]:.2f} of the efficiency of {raw}.")
    lines.append("- No content in Durable's history or in any other file of the host: every run checks it.")
    return "### Against the aims\n\n" + "\n".join(lines)


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
