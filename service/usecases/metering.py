"""Metering: what a report's meters went on, and what outputs without one used, is booked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.energy import Course, advance, book, compute, most_drawn, needs_curve
from service.domain.inventory import Controller, Meter, Output
from service.domain.orders import Order
from service.domain.reports import ControllerState, MeterReading, MeterState, Report, Signal, sampled
from service.domain.words import FaultKind
from service.ports import SentOrder
from service.usecases.batch import Batch

_NOISE = 0.02
"""Part of a power below which a change is the mains' own flutter."""

_NO_ORDER: Order = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A report beside what was known before it.

    `gap` says that reports between may be missing, `order` is what it says it follows now where that is another one
    than before and known.
    """

    report: Report
    at: datetime
    before: ControllerState
    gap: bool
    order: SentOrder | None


def measure(batch: Batch, controller: Controller, told: Told) -> bool:
    """Book what meters went on and what outputs without one used, and keep the readings; returns whether a power
    changed. To be called before the outputs' new states are set."""
    different = False
    metered: set[int] = set()
    outputs = {output.key.n: output for output in controller.outputs}
    for meter in controller.meters:
        metered.update(meter.outputs)
        reading = told.report.meters.get(meter.key.n)
        if reading is not None:
            different |= _read(batch, meter, reading, told, [outputs[n] for n in meter.outputs])
    for n in (outputs.keys() - metered) & told.report.outputs.keys():
        _compute(batch, outputs[n], told)
    return different


def nonsense(batch: Batch, controller: Controller) -> None:
    """A meter said what cannot be: counted, and told to technicians until a day has passed without."""
    batch.done.dropped["implausible meter"] += 1
    signal = Signal(controller.key, FaultKind.METER_NOT_PLAUSIBLE, None, batch.now)
    batch.tx.set_signal(signal, on=False)
    batch.tx.set_signal(signal, on=True)


def _read(batch: Batch, meter: Meter, reading: MeterReading, told: Told, covered: list[Output]) -> bool:
    """Book a meter's advance and keep its reading; returns whether its power changed."""
    before = batch.meters.get(meter.key)
    samples = sampled(before, reading, told.at, _nominal(covered, told.report))
    total, at = reading.total_mwh, told.at
    if before is not None and not _booked(batch, before, reading, told, covered):
        total, at = before.total_mwh, before.at
    batch.set_meter(meter.key, MeterState(total, reading.watts, at, reading.volts, samples))
    return before is None or abs(reading.watts - before.watts) > _NOISE * before.watts


def _nominal(covered: Iterable[Output], report: Report) -> float:
    """What the lamps that a meter covers draw at the levels that a report tells."""
    levels = report.outputs
    return sum(o.watts * levels[o.key.n].level / 100 for o in covered if o.key.n in levels)


def _booked(batch: Batch, before: MeterState, reading: MeterReading, told: Told, covered: Sequence[Output]) -> bool:
    """Book a meter's advance, if it can be true; False where no output's state is known to book it to."""
    gap = told.gap or before.at != told.before.reported_at
    courses = [course for output in covered if (course := _course(batch, output, told, gap=gap)) is not None]
    if not courses:
        return False
    most = most_drawn(before, told.at, sum(output.watts for output in covered))
    energy = advance(before, reading, most)
    if energy > most:
        nonsense(batch, batch.controllers[told.report.controller])
        return True
    tz = batch.tz(told.report.controller.municipality)
    batch.entries += book(energy, before.at, told.at, courses, tz, gap=gap)
    return True


def _compute(batch: Batch, output: Output, told: Told) -> None:
    """Book what an output without a meter used since its last report, but not while its controller had no power."""
    before = batch.outputs.get(output.key)
    gap = told.gap or (before is not None and before.confirmed_at != told.before.reported_at)
    course = _course(batch, output, told, gap=gap)
    if course is None:
        return
    start, report = course.before.confirmed_at, told.report
    if report.boot != told.before.boot:
        start = max(start, told.at - timedelta(milliseconds=report.uptime_ms) * batch.speed)
    batch.entries += compute(start, told.at, course, batch.tz(output.key.municipality), gap=gap)


def _course(batch: Batch, output: Output, told: Told, *, gap: bool) -> Course | None:
    """What is known of an output since its last report; None before the first."""
    before = batch.outputs.get(output.key)
    if before is None:
        return None
    n = output.key.n
    said = told.report.outputs.get(n)
    followed = told.before.followed.get(n, _NO_ORDER)
    sent = told.order
    return Course(
        output,
        before,
        before.level if said is None else said.level,
        followed,
        followed if sent is None or sent.orders is None else sent.orders.get(n, _NO_ORDER),
        None if sent is None else sent.at,
        batch.curve(output) if gap or needs_curve(before) else None,
        None if said is None else said.cause,
    )
