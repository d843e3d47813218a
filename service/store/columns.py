"""Column types that keep values exactly: moments, stretches of time, money, and words as small numbers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, SmallInteger, String
from sqlalchemy.types import TypeDecorator

from service.domain.words import Cause, Period, Quality

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

BigKey = BigInteger().with_variant(Integer, "sqlite")
"""A surrogate key for tables without bound; SQLite counts up only what it calls INTEGER."""


def to_us(moment: datetime) -> int:
    """Microseconds since 1970. ValueError for a moment without its time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()}: a moment without its time zone cannot be stored")
    return (moment - _EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The moment in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


class UtcTime(TypeDecorator[datetime]):
    """A moment as whole microseconds since 1970, the same on every database. Refuses naive datetimes."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """The number to store."""
        return None if value is None else to_us(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The stored moment, in UTC."""
        return None if value is None else from_us(value)


class Stretch(TypeDecorator[timedelta]):
    """A length of time as whole microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> Any:
        """The number to store."""
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> timedelta | None:
        """The stored length."""
        return None if value is None else timedelta(microseconds=value)


Numbers = tuple[tuple[StrEnum, int], ...]
"""Words and the numbers that stand for them in tables: add to it, but never change or reuse a number."""

CAUSES: Numbers = (
    (Cause.LOCK, 1),
    (Cause.RESCUE, 2),
    (Cause.SAFETY, 3),
    (Cause.TEST, 4),
    (Cause.OVERRIDE, 5),
    (Cause.PRESS, 6),
    (Cause.LOCAL, 7),
    (Cause.EXCEPTION, 8),
    (Cause.SCHEDULE, 9),
    (Cause.FAILSAFE, 10),
)
QUALITIES: Numbers = (
    (Quality.MEASURED, 1),
    (Quality.APPORTIONED, 2),
    (Quality.INTERPOLATED, 3),
    (Quality.COMPUTED, 4),
)
PERIODS: Numbers = (
    (Period.HOUR, 1),
    (Period.DAY, 2),
    (Period.NIGHT, 3),
    (Period.MONTH, 4),
)


class Word(TypeDecorator[StrEnum]):
    """A word as its number: in tables of millions of rows, text would be most of them."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, numbers: Numbers) -> None:
        """With these numbers."""
        super().__init__()
        self.numbers = numbers
        self._number = dict(numbers)
        self._word = {number: word for word, number in numbers}

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> Any:
        """The number to store."""
        return None if value is None else self._number[value]

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        """The stored word."""
        return None if value is None else self._word[value]


class Money(TypeDecorator[Decimal]):
    """A Decimal as its own text: no rounding, trailing zeros kept."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """The text to store."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """The stored amount."""
        return None if value is None else Decimal(value)
