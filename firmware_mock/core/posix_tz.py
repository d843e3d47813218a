"""POSIX TZ strings such as CET-1CEST,M3.5.0,M10.5.0/3: local time to UTC and back, in milliseconds."""

DAY = 86400000
_HOUR = 3600000


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date of the Gregorian calendar."""
    year -= 1 if month <= 2 else 0
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def year_of(ms: int) -> int:
    """The year in which a moment lies."""
    days = ms // DAY
    year = 1970 + days * 400 // 146097
    while days_from_civil(year + 1, 1, 1) <= days:
        year += 1
    while days_from_civil(year, 1, 1) > days:
        year -= 1
    return year


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


class Zone:
    """A time zone. Raises ValueError where the text is not a POSIX TZ string with rules of its own."""

    def __init__(self, text: str) -> None:
        rest = _after_name(text)
        hours, rest = _split_time(rest)
        self.standard = -hours
        self.summer = self.standard
        self._starts = self._ends = None
        self._year = 0
        self._edges = (0, 0)
        if not rest:
            return
        rest = _after_name(rest)
        self.summer = self.standard + _HOUR
        if rest and rest[0] != ",":
            hours, rest = _split_time(rest)
            self.summer = -hours
        rules = rest.split(",")
        if len(rules) != 3 or rules[0]:
            raise ValueError("tz: two rules belong to a summer time")
        self._starts, self._ends = _Rule(rules[1]), _Rule(rules[2])

    def _transitions(self, year: int) -> tuple[int, int]:
        """Start and end of summer time in a year, UTC."""
        if self._starts is not None and self._ends is not None and year != self._year:
            start = self._starts.local(year) - self.standard
            self._edges = (start, self._ends.local(year) - self.summer)
            self._year = year
        return self._edges

    def offset(self, moment: int) -> int:
        """Milliseconds by which local time is ahead of UTC at a moment."""
        if self._starts is None:
            return self.standard
        start, end = self._transitions(year_of(moment + self.standard))
        in_summer = start <= moment < end if start < end else not end <= moment < start
        return self.summer if in_summer else self.standard

    def utc(self, local: int) -> int:
        """The moment of a wall-clock time: the first of two in a fold, the end of a gap where it is skipped."""
        first = local - max(self.standard, self.summer)
        last = local - min(self.standard, self.summer)
        if first + self.offset(first) == local:
            return first
        if last + self.offset(last) == local:
            return last
        edges = self._transitions(year_of(local))
        return edges[0] if first <= edges[0] <= last else edges[1]


class _Rule:
    """The local time of a change: Mm.w.d, Jn or n, each with /time (02:00 where it is missing)."""

    def __init__(self, text: str) -> None:
        day, slash, time = text.partition("/")
        self._time = 2 * _HOUR
        if slash:
            self._time, rest = _split_time(time)
            if rest:
                raise ValueError("tz: something follows the time of a rule")
        self._kind = day[:1] if day[:1] in ("M", "J") else "n"
        numbers = (day if self._kind == "n" else day[1:]).split(".")
        if len(numbers) != (3 if self._kind == "M" else 1):
            raise ValueError("tz: a rule is Mm.w.d, Jn or n")
        self._numbers = [_digits(number) for number in numbers]
        low, high = ((1, 1, 0), (12, 5, 6)) if self._kind == "M" else ((self._kind == "J",), (365,))
        for number, least, most in zip(self._numbers, low, high):  # noqa: B905 - MicroPython knows no strict
            if not least <= number <= most:
                raise ValueError("tz: a number of a rule is out of range")

    def local(self, year: int) -> int:
        return self._day(year) * DAY + self._time

    def _day(self, year: int) -> int:
        new_year = days_from_civil(year, 1, 1)
        if self._kind == "n":
            return new_year + self._numbers[0]
        if self._kind == "J":
            return new_year + self._numbers[0] - (0 if _leap(year) and self._numbers[0] >= 60 else 1)
        month, week, weekday = self._numbers
        first = days_from_civil(year, month, 1)
        day = first + (weekday - (first + 4)) % 7 + (week - 1) * 7
        following = days_from_civil(year + 1, 1, 1) if month == 12 else days_from_civil(year, month + 1, 1)
        return day - 7 if day >= following else day


def _digits(text: str) -> int:
    if not text or len(text) > 3 or not text.isdigit():
        raise ValueError("tz: a number is expected")
    return int(text)


def _after_name(text: str) -> str:
    """What follows the abbreviation at the start: letters, or anything in angle brackets."""
    if text[:1] == "<":
        name, closing, rest = text[1:].partition(">")
        if not name or not closing:
            raise ValueError("tz: a bracket does not close")
        return rest
    end = 0
    while end < len(text) and text[end].isalpha():
        end += 1
    if end < 3:
        raise ValueError("tz: an abbreviation has three letters or more")
    return text[end:]


def _split_time(text: str) -> tuple[int, str]:
    """[+-]hh[:mm[:ss]] at the start, in milliseconds, and what follows it."""
    end = 0
    while end < len(text) and text[end] in "+-0123456789:":
        end += 1
    sign = -1 if text[:1] == "-" else 1
    parts = (text[1:end] if text[:1] in ("+", "-") else text[:end]).split(":")
    if len(parts) > 3:
        raise ValueError("tz: a time is hh:mm:ss")
    numbers = [_digits(part) for part in parts] + [0, 0]
    if numbers[0] > 167 or numbers[1] > 59 or numbers[2] > 59:
        raise ValueError("tz: a time is out of range")
    return sign * (numbers[0] * 3600 + numbers[1] * 60 + numbers[2]) * 1000, text[end:]
