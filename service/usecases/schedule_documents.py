"""Schedules as documents: one form for the API, municipality files, templates and the store.

A moment is written "sunset", "sunrise-10", "dusk+5" or "00:30"; a date that comes back every year "12-24".
"""

import re
from datetime import date, time
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from service.domain.conditions import ALWAYS, Conditions, Dates, NthWeekday
from service.domain.schedule import Anchor, Moment, Program, Rule, Schedule, Step, Window

Level = Annotated[int, Field(ge=0, le=100, strict=True)]
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2199, 12, 31))]
"""A date that calendars and databases can still count on from."""

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_SUN = re.compile(r"(sunset|sunrise|dusk|dawn)([+-]\d{1,3})?", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)([+-]\d{1,3})?", re.ASCII)


def moment(text: str) -> Moment:
    """A moment of the night. ValueError when it is none."""
    if clock := _CLOCK.fullmatch(text):
        return Moment(Anchor.CLOCK, time(int(clock[1]), int(clock[2])), int(clock[3] or 0))
    if sun := _SUN.fullmatch(text):
        return Moment(Anchor(sun[1]), offset_min=int(sun[2] or 0))
    raise ValueError(f'{text!r} is neither a time like "00:30" nor like "sunset", "sunrise-10", "dusk+5" or "dawn"')


def moment_text(at: Moment) -> str:
    """The text that `moment` reads."""
    anchor = at.anchor.value if at.clock is None else at.clock.strftime("%H:%M")
    return anchor + (f"{at.offset_min:+d}" if at.offset_min else "")


def _moment_checked(text: object) -> object:
    if isinstance(text, str):
        moment(text)
    return text


At = Annotated[str, BeforeValidator(_moment_checked), Field(examples=["sunset+10", "00:30"])]
DateText = Annotated[str, StringConstraints(pattern=r"^([0-9]{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


class Part(BaseModel):
    """What all parts of documents share: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StepDocument(Part):
    """From `at` on the level is `level`, reached in `fade_s` seconds."""

    at: At
    level: Level
    fade_s: Annotated[int, Field(ge=0, le=600)] = 0

    def step(self) -> Step:
        """The step."""
        at = moment(self.at)
        return Step(at.anchor, self.level, at.clock, at.offset_min, self.fade_s)


Steps = Annotated[tuple[StepDocument, ...], Field(max_length=20)]


class DatesDocument(Part):
    """From the evening of `first` to that of `last`, once with years or every year without."""

    first: DateText
    last: DateText

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.dates()
        return self

    def dates(self) -> Dates:
        """The dates. ValueError where they do not exist."""
        (first_year, *first), (last_year, *last) = _parts(self.first), _parts(self.last)
        return Dates(_pair(first), _pair(last), first_year, last_year)


def _parts(text: str) -> tuple[int | None, int, int]:
    *year, month, day = (int(part) for part in text.split("-"))
    return (year[0] if year else None), month, day


def _pair(month_and_day: list[int]) -> tuple[int, int]:
    month, day = month_and_day
    return month, day


class NthDocument(Part):
    """The nth weekday of a month; -1 is the last."""

    n: Literal[-1, 1, 2, 3, 4, 5]
    weekday: Weekday


class ConditionsDocument(Part):
    """What must be true of the date of a night's evening; what is left out asks for nothing."""

    weekdays: Annotated[tuple[Weekday, ...], Field(max_length=7)] = ()
    months: Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], Field(max_length=12)] = ()
    dates: Annotated[tuple[DatesDocument, ...], Field(max_length=20)] = ()
    nth: Annotated[tuple[NthDocument, ...], Field(max_length=20)] = ()
    holiday: bool | None = None

    def conditions(self) -> Conditions:
        """The conditions."""
        return Conditions(
            tuple(_WEEKDAYS.index(day) for day in self.weekdays),
            self.months,
            tuple(dates.dates() for dates in self.dates),
            tuple(NthWeekday(nth.n, _WEEKDAYS.index(nth.weekday)) for nth in self.nth),
            self.holiday,
        )


class RuleDocument(Part):
    """A program for nights on which `when` holds."""

    when: ConditionsDocument
    steps: Steps


class ScheduleDocument(Part):
    """The first rule that holds gives a night its program, else `steps`."""

    steps: Steps
    rules: Annotated[tuple[RuleDocument, ...], Field(max_length=50)] = ()

    def schedule(self) -> Schedule:
        """The schedule."""
        rules = (Rule(rule.when.conditions(), tuple(s.step() for s in rule.steps)) for rule in self.rules)
        return Schedule(tuple(step.step() for step in self.steps), tuple(rules))


class WindowDocument(Part):
    """A part of each night on which `when` holds."""

    start: At
    end: At
    when: ConditionsDocument = ConditionsDocument()

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.window()
        return self

    def window(self) -> Window:
        """The window. ValueError where it ends before it starts in every night."""
        return Window(moment(self.start), moment(self.end), self.when.conditions())


def schedule_document(schedule: Schedule) -> ScheduleDocument:
    """The document of a schedule."""
    return ScheduleDocument(
        steps=steps_document(schedule.steps),
        rules=tuple(
            RuleDocument(when=conditions_document(r.when), steps=steps_document(r.steps)) for r in schedule.rules
        ),
    )


@lru_cache(maxsize=4096)
def schedule_from_json(text: str) -> Schedule:
    """The schedule of a stored document."""
    return ScheduleDocument.model_validate_json(text).schedule()


def window_document(window: Window) -> WindowDocument:
    """The document of a window."""
    return WindowDocument(
        start=moment_text(window.start), end=moment_text(window.end), when=conditions_document(window.when)
    )


def steps_document(steps: Program) -> tuple[StepDocument, ...]:
    """The documents of a program's steps."""
    return tuple(StepDocument(at=moment_text(s.moment), level=s.level, fade_s=s.fade_s) for s in steps)


def conditions_document(when: Conditions) -> ConditionsDocument:
    """The document of conditions."""
    if when == ALWAYS:
        return ConditionsDocument()
    return ConditionsDocument(
        weekdays=tuple(_WEEKDAYS[day] for day in when.weekdays),
        months=when.months,
        dates=tuple(
            DatesDocument(first=_date(d.first, d.first_year), last=_date(d.last, d.last_year)) for d in when.dates
        ),
        nth=tuple(NthDocument(n=nth.n, weekday=_WEEKDAYS[nth.weekday]) for nth in when.nth),
        holiday=when.holiday,
    )


def _date(month_and_day: tuple[int, int], year: int | None) -> str:
    text = f"{month_and_day[0]:02d}-{month_and_day[1]:02d}"
    return text if year is None else f"{year:04d}-{text}"
