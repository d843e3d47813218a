"""Numbers, dates and the rules of a draft in the words of one language, for the motion."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from service.domain.schedule import Moment
from service.usecases.policy_documents import LimitsDocument, PolicyDocument, PressDocument, QuietDocument
from service.usecases.schedule_documents import ConditionsDocument, StepDocument, WindowDocument, moment
from service.usecases.simulation_report import ScenarioBody

Say = Mapping[str, str]

_MOST_NAMES = 5
"""Zones that are named one by one where many have the same rules."""

_MOST_STEPS, _MOST_WINDOWS = 8, 3
"""Of one program, and of one policy's quiet hours or times for presses, before the others are only counted."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a draft decides for some zones."""

    zones: str
    text: str


class Words:
    """The words and numbers of one language."""

    def __init__(self, say: Say) -> None:
        """Speak with the sentences of one language."""
        self._say = say

    def number(self, value: Decimal | int | None, places: int = 0) -> str:
        """A number, or that it is not known."""
        if value is None:
            return self._say["unknown"]
        marks: dict[str, str | int | None] = {",": self._say["thousands"], ".": self._say["decimal"], "-": "−"}
        return f"{value:,.{places}f}".translate(str.maketrans(marks))

    def signed(self, value: Decimal | None, places: int) -> str:
        """With its sign, except where it rounds to nothing."""
        if value is None:
            return self.number(None)
        rounded = round(value, places)
        if rounded == 0:
            return self.number(abs(rounded), places)
        return f"{'+' if rounded > 0 else ''}{self.number(rounded, places)}"

    def date(self, day: date) -> str:
        """A date, written out."""
        month = self._say["months"].split()[day.month - 1]
        return self._say["date"].format(day=day.day, month=month, year=day.year)

    def rules(self, draft: ScenarioBody, most: int) -> list[Rules]:
        """What a draft decides: a line for all zones with the same rules, the most zones first, at most so many lines.

        The zones of further lines are named in one more.
        """
        names = {zone.zone: zone.name for zone in draft.zones}
        alike: dict[PolicyDocument, list[str]] = {}
        for change in draft.changes:
            alike.setdefault(change.policy, []).append(names[change.zone])
        groups = sorted(alike.items(), key=lambda group: -len(group[1]))
        lines = []
        for policy, zones in groups[:most]:
            every = len(zones) == len(draft.zones) > 1
            lines.append(Rules(self._say["all_zones"] if every else self._listed(zones), self._policy(policy)))
        if rest := [zone for _, zones in groups[most:] for zone in zones]:
            lines.append(Rules(self._counted("more_rules", len(rest)), f": {self._listed(rest)}."))
        return lines

    def _listed(self, names: list[str]) -> str:
        more = len(names) - _MOST_NAMES
        if more > 0:
            return self._counted("more_zones", more).format(zones=", ".join(names[:_MOST_NAMES]))
        return self._joined(names)

    def _joined(self, parts: list[str]) -> str:
        return self._say["and"].join([*([", ".join(parts[:-1])] if parts[1:] else []), parts[-1]])

    def _counted(self, key: str, n: int) -> str:
        """A sentence with a number in it, which reads otherwise for one."""
        return self._say[f"{key}_one"] if n == 1 else self._say[key].replace("{n}", self.number(n))

    def _some(self, parts: list[str], most: int) -> str:
        """Parts in a row; where they are too many the last ones, two at least, are counted."""
        if len(parts) > most:
            return f"{', '.join(parts[: most - 1])} {self._say['more'].format(n=len(parts) - most + 1)}"
        return ", ".join(parts)

    def _policy(self, policy: PolicyDocument) -> str:
        return " ".join(
            [self._schedule(policy), self._press(policy.press), *self._limits(policy), *self._quiet(policy)]
        )

    def _schedule(self, policy: PolicyDocument) -> str:
        first = self._say["valid_from"].format(first=self.date(policy.valid_from))
        trial = "" if policy.until is None else self._say["trial"].format(last=self.date(policy.until))
        steps = [self._step(step) for step in policy.schedule.steps]
        program = self._some(steps, _MOST_STEPS) if steps else self._say["no_steps"]
        rules = len(policy.schedule.rules)
        return f"{first}{trial}: {program}{self._counted('other_nights', rules) if rules else ''}."

    def _step(self, step: StepDocument) -> str:
        return self._say["step"].format(at=self._moment(moment(step.at)), level=step.level)

    def _moment(self, at: Moment) -> str:
        anchor = self._say[f"at_{at.anchor}"]
        if at.clock is not None:
            anchor = anchor.format(time=f"{at.clock:%H:%M}")
        if not at.offset_min:
            return anchor
        minutes = self._counted("minutes", abs(at.offset_min))
        return self._say["before" if at.offset_min < 0 else "after"].format(minutes=minutes, at=anchor)

    def _window(self, window: WindowDocument) -> str:
        start, end = moment(window.start), moment(window.end)
        first = self._moment(start)
        if start.clock is not None and end.clock is not None and not start.offset_min and not end.offset_min:
            first = f"{start.clock:%H:%M}"
        text = self._say["range"].format(low=first, high=self._moment(end))
        return text if window.when == ConditionsDocument() else self._say["some_nights"].format(window=text)

    def _press(self, press: PressDocument) -> str:
        key = "press_buys" if press.level == 100 else "press_buys_dimmed"
        buys = self._say[key].format(minutes=self._counted("minutes", press.minutes), level=press.level)
        if not press.windows:
            return f"{buys}."
        windows = self._some([self._window(window) for window in press.windows], _MOST_WINDOWS)
        return f"{buys}{self._say['press_windows'].format(windows=windows)}."

    def _limits(self, policy: PolicyDocument) -> Iterator[str]:
        press = policy.press
        if some := self._limited(press.limits):
            yield self._say["limits"].format(limits=self._joined(some))
        if press.first_limits is not None:
            some = self._limited(press.first_limits)
            first = self._counted("first_limits" if some else "first_free", press.first_nights)
            yield first.format(limits=self._joined(some)) if some else first

    def _limited(self, limits: LimitsDocument) -> list[str]:
        some = (
            ("limit_presses", limits.per_presser),
            ("limit_minutes", limits.zone_minutes),
            ("limit_energy", limits.zone_wh),
        )
        return [self._counted(key, limit) for key, limit in some if limit is not None]

    def _quiet(self, policy: PolicyDocument) -> Iterator[str]:
        if policy.quiet:
            yield self._say["quiet"].format(caps=self._caps(policy.quiet))

    def _caps(self, quiet: Sequence[QuietDocument]) -> str:
        caps = []
        for cap in quiet:
            text = self._say["cap"].format(window=self._window(cap), level=cap.level)
            if cap.output is not None:
                text = self._say["cap_output"].format(cap=text, output=f"{cap.output.controller}/{cap.output.n}")
            caps.append(text)
        return self._some(caps, _MOST_WINDOWS)
