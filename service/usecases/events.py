"""What controllers tell by events: a push-button is judged like any press, a door or a fault of their own is noted."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from service.domain.inventory import Controller, ZoneKey
from service.domain.reports import Event, Signal
from service.domain.words import Channel, EventKind, FaultKind
from service.ports import Answer, PressRecord, Tx
from service.usecases.press import Surroundings, press_zone

OLDEST_SERVED = timedelta(days=8)
"""A press that was served longer ago is not kept: no plan lets a button light for longer without the service."""

STALE = timedelta(seconds=30)
"""A button's event from further away in time, by the sender's clock, is refused."""

_SIGNALS = {
    EventKind.DOOR: FaultKind.CABINET_DOOR_OPEN,
    EventKind.LOCAL_OVERRIDE: FaultKind.LOCAL_OVERRIDE,
}


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """What became of a button's event: the zones to look at, or why it was ignored."""

    zones: tuple[ZoneKey, ...] = ()
    ignored: str | None = None


def press_button(tx: Tx, controller: Controller, event: Event, now: datetime, speed: float) -> ButtonPressed:
    """Judge the press of a controller's push-button, once for each event.

    One that the controller served by itself is kept as a press and not judged: its light was given.
    """
    output = next((output for output in controller.outputs if output.key.n == event.output and output.button), None)
    if output is None:
        return ButtonPressed(ignored="button that is not there")
    if event.at is not None and _is_stale(event.at, now, speed, served=event.served):
        return ButtonPressed(ignored="stale button event")
    if tx.answer(_scope(event, served=event.served)) is not None:
        return ButtonPressed(ignored="button event told before")
    tx.keep_answer(_scope(event, served=event.served), Answer(200, ""), now)
    zone = ZoneKey(output.key.municipality, output.zone)
    if event.served:
        return _served(tx, zone, event, now)
    pressed = press_zone(tx, zone, Surroundings(now, speed, broker_connected=True, channel=Channel.BUTTON))
    lights = () if pressed.lease is None else pressed.lease.lights
    return ButtonPressed(tuple(dict.fromkeys((zone, *lights))))


def _is_stale(at: datetime, now: datetime, speed: float, *, served: bool) -> bool:
    return now - at > OLDEST_SERVED if served else abs(now - at) > STALE * speed


def _served(tx: Tx, zone: ZoneKey, event: Event, now: datetime) -> ButtonPressed:
    """A press that was judged too late for the controller to hear of it is kept already; and nobody presses twice in
    a second."""
    at = now if event.at is None else min(event.at, now)
    second = _hashed(f"{zone.municipality}/{zone.zone}\n{at:%Y%m%d%H%M%S}")
    if tx.answer(_scope(event, served=False)) is None and tx.answer(second) is None:
        tx.keep_answer(second, Answer(200, ""), now)
        tx.add_press(PressRecord(token_hex(16), zone, at, Channel.BUTTON, None, None))
    return ButtonPressed((zone,))


def _scope(event: Event, *, served: bool) -> str:
    """With the moment: a device that takes another one's place counts its ids anew."""
    home, controller = event.controller
    return _hashed(f"{home}/{controller}\n{event.id}\n{event.at}\n{served}")


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16, person=b"button").hexdigest()


def signal_of(event: Event, now: datetime) -> Signal:
    """What an event other than a button's says of the controller, from now on."""
    kind = event.code if event.code is not None else _SIGNALS[event.kind]
    output = event.output if event.kind is EventKind.FAULT else None
    return Signal(event.controller, kind, output, now)
