"""Presses that a simulation is run with: an assumption, not a forecast.

Nobody knows how often a village will press. The model below puts the few published experiences into numbers, so that
a council sees the order of magnitude; whoever has recorded presses of a comparable village should rather use those.
All who press are taken to use the web, whose presses are bound most tightly.
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.domain.inventory import Inventory
from service.domain.sun import Place, night
from service.domain.words import Channel

PER_ROUTE = 1.5
"""Presses a night on one route at least. Lemgo (Dial4Light, die-glocke.de): 1 to 2 per route and night."""

PER_LAMP = 30 / 1400
"""Presses a night for each lamp of a large zone. Urrugne (epochtimes 2138373): 30 a night for 1,400 lamps."""

SUMMER_WEEKEND = 60 / 30
"""How much more is pressed in the nights of Friday and Saturday from June to August. Urrugne: 60 instead of 30."""

SMALL_HOURS = 1 / (14 * 7)
"""Share of the presses between 01:00 and 03:00. Coutances (tendanceouest 416653): one a week, of 14 a day."""

EARLY_SHIFT = 0.55
"""Share between 03:00 and 06:00. Early-shift workers are the main users (ndr.de): assumed just over half."""

CURIOUS = 20
"""How much more is pressed at first. Morgenröthe-Rautenkranz (lr-online 35110574): light almost without pause, which
takes about 35 presses of 12 minutes in seven dark hours instead of 1.5."""

CURIOUS_NIGHTS = 14
"""How many nights everybody tries it. Morgenröthe-Rautenkranz: two weeks."""

MOST_PER_NIGHT = 1000.0
"""The highest rate that may be asked for, in presses per night and zone."""

_MOST_DRAWS = 100
_EVENING, _SMALL_HOURS, _MORNING, _DAY = 22, 25, 27, 30  # hours after the midnight before the evening


class Press(NamedTuple):
    """Somebody presses: when, in which zone (its id), and by which channel. Who is not known."""

    at: datetime
    zone: str
    channel: Channel = Channel.WEB


def lamp_counts(inventory: Inventory) -> dict[str, int]:
    """How many lamps each listed zone has, by its id: in others nobody presses."""
    counts = Counter({zone.key.zone: 0 for zone in inventory.zones if zone.listed})
    for controller in inventory.controllers:
        for output in controller.outputs:
            if output.zone in counts:
                counts[output.zone] += output.lamps
    return dict(counts)


def model_presses(
    lamps: Mapping[str, int],
    first: date,
    last: date,
    place: Place,
    seed: int,
    rate: float | None = None,
    curious_from: date | None = None,
) -> list[Press]:
    """Assumed presses in the nights from `first` to `last`, in order of time: an assumption, not a forecast.

    `lamps` has the number of lamps by zone id. `rate` is the mean of presses per night and zone; without one it
    follows from the lamps, at least that of one route. Summer weekends have more, and so have the first
    CURIOUS_NIGHTS from the night of `curious_from` on. Presses fall between 22:00 and 06:00 local time; those that
    would meet daylight stay away, so short nights have fewer. The same seed gives the same presses; each zone and
    night is drawn for itself, so that other zones or a longer period change none of them. ValueError names a
    parameter that makes no sense.
    """
    if last < first:
        raise ValueError(f"last: {last} lies before first, {first}")
    if rate is not None and not 0 <= rate <= MOST_PER_NIGHT:
        raise ValueError(f"rate: {rate} is not between 0 and {MOST_PER_NIGHT:g} presses per night and zone")
    for zone, count in lamps.items():
        if count < 0:
            raise ValueError(f"lamps: {zone} cannot have {count}")
    presses: list[Press] = []
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        factor = _factor(day, curious_from)
        tonight = [
            Press(moment, zone)
            for zone, count in lamps.items()
            for moment in _moments(f"{seed}/{zone}/{day}", factor * _mean(count, rate), place, day)
        ]
        presses += sorted(tonight)
    return presses


def recorded_presses(counts: Mapping[tuple[str, date, Channel], int], place: Place) -> list[Press]:
    """As many presses as were recorded in each zone, night and channel, in order of time.

    When in the night they came is drawn by the model's hours: a simulation that knew would tell whoever narrows it down
    the minute at which somebody walked. The same counts give the same presses.
    """
    presses = []
    for (zone, day, channel), count in counts.items():
        dice = random.Random(f"recorded/{zone}/{day}/{channel}")  # noqa: S311 - must come out the same again, no secret
        for _ in range(count):
            draws = (_dark_moment(dice, place, day) for _ in range(_MOST_DRAWS))
            moment = next((moment for moment in draws if moment is not None), night(place, day).sunset)
            presses.append(Press(moment, zone, channel))
    return sorted(presses)


def expected_presses(
    lamps: Mapping[str, int], first: date, last: date, rate: float | None = None, curious_from: date | None = None
) -> float:
    """How many presses `model_presses` draws on average, those that stay away for the daylight included."""
    nights = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return sum(_factor(day, curious_from) for day in nights) * sum(_mean(count, rate) for count in lamps.values())


def _mean(lamps: int, rate: float | None) -> float:
    """Presses in an ordinary night of a zone; nobody presses where there is no lamp."""
    if lamps == 0:
        return 0.0
    return max(PER_ROUTE, lamps * PER_LAMP) if rate is None else rate


def _factor(day: date, curious_from: date | None) -> float:
    factor = SUMMER_WEEKEND if day.month in (6, 7, 8) and day.weekday() in (4, 5) else 1.0
    if curious_from is not None and 0 <= (day - curious_from).days < CURIOUS_NIGHTS:
        factor *= CURIOUS
    return factor


def _moments(seed: str, mean: float, place: Place, day: date) -> Iterator[datetime]:
    """When somebody presses in one zone in one night."""
    dice = random.Random(seed)  # noqa: S311 - a model that must come out the same again, no secret
    for _ in range(_poisson(dice, mean)):
        moment = _dark_moment(dice, place, day)
        if moment is not None:
            yield moment


def _dark_moment(dice: random.Random, place: Place, day: date) -> datetime | None:
    """A moment by the model's hours; None where it would meet daylight."""
    local = datetime.combine(day, time()) + timedelta(seconds=math.floor(3600 * _hour(dice)))
    tonight = night(place, day)
    moment = local.replace(tzinfo=ZoneInfo(place.tz)).astimezone(tonight.start.tzinfo)
    return moment if tonight.sunset <= moment < tonight.sunrise else None


def _poisson(dice: random.Random, mean: float) -> int:
    """How many of many people who hardly ever press do so, where `mean` do on average."""
    count, passed = 0, dice.expovariate(1)
    while passed < mean:
        count += 1
        passed += dice.expovariate(1)
    return count


def _hour(dice: random.Random) -> float:
    """Local time of a press, in hours after the midnight before its evening."""
    drawn = dice.random()
    if drawn < EARLY_SHIFT:
        return dice.uniform(_MORNING, _DAY)
    if drawn < EARLY_SHIFT + SMALL_HOURS:
        return dice.uniform(_SMALL_HOURS, _MORNING)
    return dice.uniform(_EVENING, _SMALL_HOURS)
