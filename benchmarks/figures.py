"""Figures: percentiles, targets, and the table that is printed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """Times of one kind of thing, in milliseconds."""

    name: str
    count: int
    p50: float
    p99: float
    worst: float
    cpu: float | None = None
    """What the service's process computed for one of them, in milliseconds; hardly moved by a busy machine."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should stay under on an idle two-core machine; None where nothing is promised."""

    p50: float | None
    p99: float | None


GRANTED = Target(6, 20)
LIT = Target(8, 25)
CROWD = Target(None, 60)
MEMORY_MB = 150.0


def figure(name: str, seconds: Sequence[float], cpu_s: float | None = None) -> Figure:
    """Median, 99th percentile (nearest rank) and the worst of times given in seconds.

    `cpu_s` is what the service computed for all of them together.
    """
    ordered = sorted(seconds)

    def rank(part: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000

    cpu = None if cpu_s is None else cpu_s / len(ordered) * 1000
    return Figure(name, len(ordered), rank(0.5), rank(0.99), ordered[-1] * 1000, cpu)


@dataclass(frozen=True, slots=True)
class Results:
    """All of one run."""

    ack: Figure
    commit: Figure
    presses: tuple[tuple[Figure, Target], ...]
    start_s: float
    first_page_ms: float
    memory_mb: float
    leases: int

    def as_json(self) -> dict[str, object]:
        """For a file."""
        rows = [{**asdict(row), "target": asdict(target), "met": met(row, target)} for row, target in self.presses]
        return {
            "floors": [asdict(self.ack), asdict(self.commit)],
            "presses": rows,
            "start_s": self.start_s,
            "first_page_ms": self.first_page_ms,
            "memory_mb": self.memory_mb,
            "memory_met": self.memory_mb < MEMORY_MB,
            "leases": self.leases,
        }


def met(row: Figure, target: Target) -> bool:
    """Whether a figure stays under its target."""
    return (target.p50 is None or row.p50 < target.p50) and (target.p99 is None or row.p99 < target.p99)


def table(results: Results) -> str:
    """The run as text. The floor of a grant is one commit; of a light, three commits and one order-to-ack."""
    commit, ack = results.commit, results.ack
    granted_floor = commit.p50
    lit_floor = 3 * commit.p50 + ack.p50
    lines = [f"{'':34}{'n':>6}{'p50 ms':>9}{'p99 ms':>9}{'worst':>9}{'cpu ms':>9}{'x floor':>9}   target"]
    lines += [_row(row) for row in (ack, commit)]
    for row, target in results.presses:
        floor = granted_floor if "granted" in row.name else lit_floor
        lines.append(f"{_row(row)}{row.p50 / floor:9.1f}   {_said(row, target)}")
    memory = "met" if results.memory_mb < MEMORY_MB else "missed"
    lines += [
        "",
        f"service memory after {results.leases} leases: {results.memory_mb:.0f} MB   < {MEMORY_MB:.0f}: {memory}",
        f"service start until ready: {results.start_s:.2f} s, first page after that: {results.first_page_ms:.0f} ms",
        "x floor: p50 against the floor's; granted = one commit, lit = three commits + order-to-ack.",
        "cpu: computed by the service for one press, from the request to the light on the page.",
    ]
    return "\n".join(lines)


def _row(row: Figure) -> str:
    cpu = "" if row.cpu is None else f"{row.cpu:.2f}"
    return f"{row.name:34}{row.count:6}{row.p50:9.2f}{row.p99:9.2f}{row.worst:9.2f}{cpu:>9}"


def _said(row: Figure, target: Target) -> str:
    limits = [f"{name} < {limit:g}" for name, limit in (("p50", target.p50), ("p99", target.p99)) if limit is not None]
    return f"{', '.join(limits)}: {'met' if met(row, target) else 'missed'}"
