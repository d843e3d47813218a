"""Column types that keep values exactly: moments, money."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator

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
