"""A zone's light as far as it is confirmed: nothing hoped is shown as fact."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.curve import Curve
from service.domain.inventory import Output
from service.domain.leases import Progress
from service.domain.orders import WARNING, Order, level_of, running_step
from service.domain.reports import ControllerState, MeterState, OutputState
from service.domain.words import CAUSE_RANK, Availability, Basis, Cause, LeaseState, LightState

FRESH_FOR = timedelta(seconds=200)
"""A report older than three heartbeats (60 s and their jitter) confirms nothing any more."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An output with all that is known of it: its state, its controller, its meter (if it has one to itself),
    the order last recorded for it and the counter of that order."""

    output: Output
    controller: ControllerState
    state: OutputState | None
    meter: MeterState | None
    order: Order
    desired_n: int


@dataclass(frozen=True, slots=True)
class Light:
    """What may be said of a zone's light.

    `level` was confirmed at `confirmed_at`: where the state is unknown it is the last that was heard, and no
    longer vouched for. `lamps_lit` is None where nothing tells the number, or all is unknown.
    """

    state: LightState
    level: int | None
    cause: Cause | None
    until: datetime | None
    confirmed_at: datetime | None
    lamps_total: int
    lamps_lit: int | None
    lamps_unknown: int
    basis: Basis


def availability(controller: ControllerState, now: datetime, speed: float) -> Availability:
    """A controller's availability at `now`; `speed` is how fast the clock runs against real time."""
    if controller.online is None:
        return Availability.UNKNOWN
    if not controller.online:
        return Availability.OFFLINE
    heard = controller.heard_at
    fresh = heard is not None and now - heard <= FRESH_FOR * speed
    return Availability.ONLINE if fresh else Availability.UNKNOWN


def light_of(watched: Sequence[Watched], until: datetime | None, now: datetime, speed: float) -> Light:
    """Sum up a zone: lit only where every output said so.

    Known offline outputs do not hide that the others are dark (`lamps_unknown` counts them); unknown ones do.
    """
    seen = [(w, availability(w.controller, now, speed)) for w in watched]
    known = [w for w, how in seen if how is Availability.ONLINE and w.state is not None]
    silent = sum(1 for w, how in seen if how is not Availability.OFFLINE) - len(known)
    lit = [w for w in known if w.state is not None and w.state.level > 0]
    state = _state(len(watched), len(known), len(lit), silent)
    unknown = state is LightState.UNKNOWN
    shown = _last_heard(watched) if unknown else _brightest(lit or known)
    confirmed = (w.state.confirmed_at for w in known if w.state is not None)
    counts = [_lamps_lit(w) for w in lit]
    return Light(
        state=state,
        level=shown.level if shown else None,
        cause=shown.cause if shown and not unknown else None,
        until=until if lit and not unknown else None,
        confirmed_at=(shown.confirmed_at if shown else None) if unknown else min(confirmed),
        lamps_total=sum(w.output.lamps for w in watched),
        lamps_lit=None if unknown or None in counts else sum(n for n in counts if n is not None),
        lamps_unknown=sum(w.output.lamps for w in watched) - sum(w.output.lamps for w in known),
        basis=Basis.METER if any(w.output.lamps > 1 for w in watched) else Basis.REPORT,
    )


def _brightest(known: Iterable[Watched]) -> OutputState | None:
    states = (w.state for w in known if w.state is not None)
    return max(states, key=lambda state: (state.level, -CAUSE_RANK.index(state.cause)), default=None)


def _last_heard(watched: Iterable[Watched]) -> OutputState | None:
    states = (w.state for w in watched if w.state is not None)
    return max(states, key=lambda state: state.confirmed_at, default=None)


def _state(outputs: int, known: int, lit: int, silent: int) -> LightState:
    if known == 0 or (silent and not lit):
        return LightState.UNKNOWN
    if lit == 0:
        return LightState.DARK
    return LightState.LIT if lit == outputs else LightState.PARTLY


def _lamps_lit(watched: Watched) -> int | None:
    """Lit lamps of a lit output: itself for a luminaire, by its meter's watts for a circuit."""
    output, state = watched.output, watched.state
    if output.lamps == 1:
        return 1
    if watched.meter is None or state is None or output.watts <= 0 or state.level == 0:
        return None
    expected = output.watts * state.level / 100
    return min(output.lamps, round(output.lamps * watched.meter.watts / expected))


def until_of(outputs: Iterable[tuple[Curve, Order]], now: datetime) -> datetime | None:
    """When the present light of outputs, given by their plans and orders, first falls anywhere.

    None when all is dark or stays as it is for days.
    """
    falls = (_fall(curve, order, now) for curve, order in set(outputs))
    return min((fall for fall in falls if fall is not None), default=None)


def _fall(curve: Curve, order: Order, now: datetime) -> datetime | None:
    def level(moment: datetime) -> int:
        return max(curve.level_at(moment), level_of(order, moment))

    present = level(now)
    if present == 0:
        return None
    changes = {stretch.start for stretch in curve.intervals(now, now + timedelta(days=2))}
    edges = sorted(changes | {step.until for step in order})
    fall = next((edge for edge in edges if edge > now and level(edge) < present), None)
    warning = next((step for step in order if step.start == fall and step.until - step.start <= WARNING), None)
    if warning is not None and level(warning.until) < level(warning.start):
        return warning.until  # the last, dimmer minute is still the light that was ordered
    return fall


def confirmed(watched: Watched, level: int, now: datetime, speed: float) -> bool:
    """Whether a report said that the output has taken the last order and gives at least `level`.

    Where that order asks for less now, as under a quiet cap or shortly before dark, that is enough.
    """
    asked = watched.output.keeps(level)
    step = running_step(watched.order, now)
    if step is not None:
        asked = min(asked, step.level)
    return (
        availability(watched.controller, now, speed) is Availability.ONLINE
        and watched.controller.desired_n >= watched.desired_n
        and watched.state is not None
        and watched.state.level >= asked
    )


CONFIRM_WITHIN = timedelta(seconds=10)
"""A lease that no report has confirmed by then, counted from its order, has failed."""


def progressed(before: Progress, confirmed_outputs: int, total: int, now: datetime, speed: float) -> Progress:
    """How far an ordered lease has come: `total` counts its outputs but those known to be offline.

    It never falls back: when less is known than before, the best that was confirmed stays.
    """
    if before.state is LeaseState.LIT or confirmed_outputs < before.confirmed:
        return before
    if total and confirmed_outputs == total:
        return Progress(LeaseState.LIT, confirmed_outputs, total)
    if confirmed_outputs:
        return Progress(LeaseState.PARTLY, confirmed_outputs, total)
    if before.ordered_at is None or now >= before.ordered_at + CONFIRM_WITHIN * speed:
        return Progress(LeaseState.FAILED, 0, total)
    return Progress(LeaseState.ORDERED, 0, total, before.ordered_at)
