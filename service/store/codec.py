"""Values that live in JSON columns: schedules and orders."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from service.domain.orders import Order, OrderStep
from service.domain.schedule import Anchor, Schedule, Step
from service.domain.words import Cause
from service.store.columns import from_us, to_us


def schedule_to_json(schedule: Schedule) -> list[dict[str, Any]]:
    """The steps in their order."""
    return [
        {
            "anchor": step.anchor.value,
            "level": step.level,
            "clock": None if step.clock is None else step.clock.isoformat(),
            "offset_min": step.offset_min,
        }
        for step in schedule.steps
    ]


def schedule_from_json(steps: list[dict[str, Any]]) -> Schedule:
    """The schedule that `schedule_to_json` wrote."""
    return Schedule(
        tuple(
            Step(
                Anchor(step["anchor"]),
                step["level"],
                None if step["clock"] is None else time.fromisoformat(step["clock"]),
                step["offset_min"],
            )
            for step in steps
        )
    )


def orders_to_json(orders: Mapping[int, Order] | None) -> dict[str, Any] | None:
    """Orders by output number, moments in microseconds; None where they are not known."""
    if orders is None:
        return None
    return {
        str(n): [[to_us(s.start), s.level, to_us(s.until), s.cause.value, s.ref] for s in order]
        for n, order in orders.items()
    }


def orders_from_json(orders: dict[str, Any] | None) -> dict[int, Order] | None:
    """The orders that `orders_to_json` wrote."""
    if orders is None:
        return None
    return {
        int(n): tuple(
            OrderStep(from_us(start), level, from_us(until), Cause(cause), ref)
            for start, level, until, cause, ref in steps
        )
        for n, steps in orders.items()
    }
