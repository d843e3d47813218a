"""What a plan says at a moment, and until when it says so. Moments in UTC milliseconds."""

from firmware_mock.core.decode import Plan, PlanOutput, RuleStep
from firmware_mock.core.posix_tz import DAY, Zone
from firmware_mock.core.sun import Night, night_day

_FAR = 1 << 60


def night_changes(rule: list[RuleStep], night: Night, zone: Zone) -> list[tuple[int, int, str]]:
    """(from, level, cause) of one night in order: it starts at 0, no step happens before one listed before it."""
    changes = [(night.start, 0, "schedule")]
    for step in rule:
        at = min(max(_moment(step, night, zone), changes[-1][0]), night.end)
        changes.append((at, step.level, "schedule"))
    return changes


def _moment(step: RuleStep, night: Night, zone: Zone) -> int:
    by_sun = {"sunset": night.sunset, "dusk": night.dusk, "dawn": night.dawn, "sunrise": night.sunrise}
    if step.anchor in by_sun:
        return by_sun[step.anchor] + step.offset
    day = night.day if step.clock >= DAY // 2 else night.day + 1
    return zone.utc(day * DAY + step.clock) + step.offset


def _level_in(changes: list[tuple[int, int, str]], now: int, end: int) -> tuple[int, str, int]:
    """Level and cause at `now` (the first ones before all changes), and when the next change is, at most `end`."""
    best, (_, level, cause), following = -1, changes[0], end
    for at, value, why in changes:
        if best <= at <= now:
            best, level, cause = at, value, why
        elif now < at < following:
            following = at
    return level, cause, following


class Planner:
    """Answers for one plan; remembers the night it computed last."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._night = None  # type: Night | None

    def night(self, now: int) -> Night:
        """The night of a moment."""
        day = night_day(now, self.plan.zone)
        if self._night is None or self._night.day != day:
            self._night = Night(day, self.plan.lat, self.plan.lon, self.plan.zone)
        return self._night

    def level(self, output: PlanOutput, now: int) -> tuple[int, str, int]:
        """The planned level of an output at `now`, its cause, and until when they may hold."""
        if now < output.ends:
            return _level_in(output.steps, now, output.ends)
        night = self.night(now)
        changes = night_changes(output.rule, night, self.plan.zone)
        return _level_in(changes, now, night.end)

    def failsafe(self, output: PlanOutput, now: int) -> tuple[int, int]:
        """The level of an output that has been cut off for too long, and until when it may hold."""
        level, _, until = self.level(output, now)
        if self.plan.fail_state == "dark" and not output.safety:
            return 0, _FAR
        if self.plan.fail_state == "lit":
            night = self.night(now)
            for edge in (night.sunset, night.sunrise, night.end):
                if now < edge < until:
                    until = edge
            if level == 0 and night.sunset <= now < night.sunrise:
                level = 100
        return level, until

    def button(self, output: PlanOutput, now: int | None) -> tuple[int, int]:
        """Up to which level a press of its button may light an output by itself, and for how long that holds (ms).

        Not by day. Where the council sets a limit, that; at an unknown moment (None) the highest of them.
        """
        if now is None:
            return max([level for _, level in output.local] or [100]), _FAR
        night = self.night(now)
        if not night.sunset <= now < night.sunrise:
            return 0, (night.sunset if now < night.sunset else night.end) - now
        most, since, until = 100, -1, night.sunrise
        if now < output.ends:
            until = min(until, output.ends)
            for at, level in output.local:
                if since <= at <= now:
                    since, most = at, level
                elif now < at < until:
                    until = at
        return most, until - now
