"""Values that live in text and JSON columns: schedules, policies, exceptions, orders, alert rules, supply
points and samples.

Documents are written with all their fields: a default that changes one day must not change what was enacted.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import time
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from service.domain.inventory import AlertRules, SupplyPoint
from service.domain.orders import Order, OrderStep
from service.domain.policy import LightException, Policy
from service.domain.reports import Sample
from service.domain.schedule import Schedule
from service.domain.words import Cause
from service.store.columns import from_us, to_us
from service.usecases.policy_documents import exception_document, policy_document
from service.usecases.schedule_documents import schedule_document


def schedule_to_json(schedule: Schedule) -> str:
    """The text that `schedule_from_json` of the schedule documents reads."""
    return schedule_document(schedule).model_dump_json()


def policy_to_json(policy: Policy) -> str:
    """The text that `policy_from_json` of the policy documents reads; version and resolution are not in it."""
    return policy_document(policy).model_dump_json()


def exception_to_json(exception: LightException) -> str:
    """The text of the exception's document; its id is not in it."""
    return exception_document(exception).model_dump_json()


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


def alert_rules_to_json(rules: AlertRules) -> dict[str, Any]:
    """Whom alerts reach; clocks as text."""
    return {
        "emails": list(rules.emails),
        "webhook": rules.webhook,
        "quiet_from": _clock_text(rules.quiet_from),
        "quiet_until": _clock_text(rules.quiet_until),
    }


def alert_rules_from_json(rules: Mapping[str, Any]) -> AlertRules:
    """The rules that `alert_rules_to_json` wrote."""
    return AlertRules(
        tuple(rules["emails"]), rules["webhook"], _clock(rules["quiet_from"]), _clock(rules["quiet_until"])
    )


def supply_points_to_json(points: Iterable[SupplyPoint]) -> list[dict[str, Any]]:
    """Where the utility measures."""
    return [{"id": one.id, "name": one.name, "controllers": list(one.controllers)} for one in points]


def supply_points_from_json(points: Iterable[Mapping[str, Any]]) -> tuple[SupplyPoint, ...]:
    """The supply points that `supply_points_to_json` wrote."""
    return tuple(SupplyPoint(one["id"], one["name"], tuple(one["controllers"])) for one in points)


def followed_to_text(followed: Mapping[int, Order]) -> str | None:
    """The order that a controller follows, as text; None for none."""
    return json.dumps(orders_to_json(followed), separators=(",", ":")) if followed else None


def followed_from_text(followed: str | None) -> Mapping[int, Order]:
    """The order that `followed_to_text` wrote."""
    return _followed(followed) if followed else {}


@lru_cache(maxsize=4096)
def _followed(followed: str) -> Mapping[int, Order]:
    return MappingProxyType(orders_from_json(json.loads(followed)) or {})


def _clock_text(clock: time | None) -> str | None:
    return None if clock is None else clock.isoformat()


def _clock(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)


class _Samples(tuple[Sample, ...]):
    """Samples that remember their text: most reports change none."""

    text: str


def samples_to_json(samples: tuple[Sample, ...]) -> str:
    """A meter's samples as text, moments in microseconds."""
    if isinstance(samples, _Samples):
        return samples.text
    return json.dumps([[to_us(at), watts, nominal] for at, watts, nominal in samples], separators=(",", ":"))


@lru_cache(maxsize=4096)
def samples_from_json(samples: str) -> tuple[Sample, ...]:
    """The samples that `samples_to_json` wrote."""
    read = _Samples(Sample(from_us(at), watts, nominal) for at, watts, nominal in json.loads(samples))
    read.text = samples
    return read
