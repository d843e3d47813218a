"""Zones with their rules: what was enacted, drafted and excepted."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Date, bindparam, delete, or_, select, update

from service.domain.inventory import Zone, ZoneKey
from service.domain.policy import LightException, Policy, Resolution, Rulebook
from service.errors import ConflictError, InvalidError
from service.ports import Draft, Enactment, ExceptionRecord
from service.store import tables
from service.store.codec import exception_to_json, policy_to_json
from service.store.columns import UtcTime
from service.store.tables import table
from service.store.tx_base import AnyRow, AnySelect, BaseTx, municipality, zone
from service.usecases.policy_documents import ExceptionDocument, policy_from_json

policy_version = table(tables.PolicyVersionRow)
policy_draft = table(tables.PolicyDraftRow)
light_exception = table(tables.LightExceptionRow)

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_SURELY_ENDED = timedelta(days=3)
"""After its date a night is over wherever it is: it ends at noon of the next day, half a day later in UTC at most."""

_of = municipality.c.slug == bindparam("municipality")
_of_zone = zone.c.slug == bindparam("zone")
_ZONES: AnySelect = (
    select(
        zone.c.id.label("zone_id"),
        municipality.c.slug.label("municipality"),
        zone.c.slug.label("zone"),
        zone.c.name,
        zone.c.listed,
        policy_version.c.document,
        policy_version.c.version,
        policy_version.c.resolution_number,
        policy_version.c.resolution_passed_on,
        policy_version.c.resolution_safety_note,
    )
    .select_from(municipality)
    .join(zone, zone.c.municipality_id == municipality.c.id)
    .join(policy_version, policy_version.c.zone_id == zone.c.id)
    .where(_of)
    .order_by(policy_version.c.version)
)
_ZONE = _ZONES.where(_of_zone)


def _all_of(what: Any) -> AnySelect:
    """All rows of one of the zone's tables, of all zones of a municipality."""
    return select(what, zone.c.slug.label("zone")).select_from(municipality).join(zone).join(what).where(_of)


_EXCEPTIONS = _all_of(light_exception).order_by(light_exception.c.slug)
_EXCEPTIONS_OF_ZONE = _EXCEPTIONS.where(_of_zone)
_from_since_on = (
    light_exception.c.last_night >= bindparam("earliest", type_=Date),
    or_(
        light_exception.c.withdrawn_at.is_(None),
        light_exception.c.withdrawn_at >= bindparam("since", type_=UtcTime),
    ),
)
_EXCEPTIONS_SINCE = _EXCEPTIONS.where(*_from_since_on)
_EXCEPTIONS_OF_ZONE_SINCE = _EXCEPTIONS_OF_ZONE.where(*_from_since_on)
_ENACTMENTS = _all_of(policy_version).where(_of_zone).order_by(policy_version.c.version)
_DRAFTS = _all_of(policy_draft).where(_of_zone)
_DELETE_DRAFT = delete(policy_draft).where(
    policy_draft.c.zone_id == bindparam("of_zone"), policy_draft.c.slug == bindparam("draft")
)
_WITHDRAW = (
    update(light_exception)
    .where(
        light_exception.c.zone_id == bindparam("of_zone"),
        light_exception.c.slug == bindparam("exception"),
        light_exception.c.withdrawn_at.is_(None),
    )
    .values(withdrawn_by=bindparam("by"), withdrawn_at=bindparam("at", type_=UtcTime))
)


class _Enacted(NamedTuple):
    """A version as stored: the key of its cached value."""

    document: str
    version: int
    number: str | None
    passed_on: date | None
    safety_note: str | None


class _Entered(NamedTuple):
    """An exception as stored: the key of its cached value."""

    id: str
    document: str
    since: datetime | None
    until: datetime | None


class PoliciesTx(BaseTx):
    """Zones, and the council's rules for them."""

    def zones(self, municipality: str, *, since: datetime | None = None) -> list[Zone]:
        """All zones with their rulebooks; with `since` without exceptions that were over before it."""
        if since is None:
            exceptions = self._rows(_EXCEPTIONS, municipality=municipality)
        else:
            exceptions = self._rows(_EXCEPTIONS_SINCE, municipality=municipality, **_bounds(since))
        return self._zones_of(self._rows(_ZONES, municipality=municipality), exceptions)

    def zone(self, key: ZoneKey, *, since: datetime | None = None) -> Zone | None:
        """One zone with its rulebook; with `since` without exceptions that were over before it."""
        of = {"municipality": key.municipality, "zone": key.zone}
        if since is None:
            exceptions = self._rows(_EXCEPTIONS_OF_ZONE, **of)
        else:
            exceptions = self._rows(_EXCEPTIONS_OF_ZONE_SINCE, **of, **_bounds(since))
        found = self._zones_of(self._rows(_ZONE, **of), exceptions)
        return found[0] if found else None

    def _zones_of(self, rows: Sequence[AnyRow], exceptions: Sequence[AnyRow]) -> list[Zone]:
        enacted: dict[ZoneKey, list[AnyRow]] = {}
        for row in rows:
            enacted.setdefault(ZoneKey(row.municipality, row.zone), []).append(row)
        entered: dict[str, list[_Entered]] = {}
        for row in exceptions:
            entered.setdefault(row.zone, []).append(_entered(row))
        zones = []
        for key, versions in sorted(enacted.items()):
            book = _rulebook(tuple(map(_enacted, versions)), tuple(entered.get(key.zone, ())))
            zones.append(Zone(key, versions[0].name, book, versions[0].listed))
            self._known.zone_ids[key] = versions[0].zone_id
        return zones

    def drafts(self, zone: ZoneKey) -> list[Draft]:
        """The zone's drafts, by id."""
        rows = self._rows(_DRAFTS, municipality=zone.municipality, zone=zone.zone)
        return [
            Draft(row.slug, _policy(_enacted(row)), row.changed_by, row.changed_at)
            for row in sorted(rows, key=lambda row: str(row.slug))
        ]

    def save_draft(self, zone: ZoneKey, draft: Draft) -> None:
        """Insert a draft, or replace the one with its id."""
        if draft.policy.version:
            raise InvalidError(f"draft {draft.id}: version: {draft.policy.version} is not 0, as a draft's must be")
        [zone_id] = self._zones([zone])
        values = {
            "zone_id": zone_id,
            "slug": draft.id,
            **_policy_values(draft.policy),
            "changed_by": draft.changed_by,
            "changed_at": draft.changed_at,
        }
        self._upsert(policy_draft, values)

    def delete_draft(self, zone: ZoneKey, draft: str) -> bool:
        """Delete a draft; False when there is none."""
        [zone_id] = self._zones([zone])
        return self._quick(_DELETE_DRAFT, {"of_zone": zone_id, "draft": draft}).changed > 0

    def enactments(self, zone: ZoneKey) -> list[Enactment]:
        """All that was ever enacted for the zone, by version."""
        return [
            Enactment(_policy(_enacted(row)), row.enacted_by, row.enacted_at, tuple(row.signed_off), row.draft)
            for row in self._rows(_ENACTMENTS, municipality=zone.municipality, zone=zone.zone)
        ]

    def enact(self, zone: ZoneKey, enactment: Enactment) -> None:
        """Add an enacted policy for good. ConflictError when the zone has its version already."""
        policy = enactment.policy
        if policy.version < 1:
            raise InvalidError(f"version: {policy.version} is not 1 or more, as an enacted policy's must be")
        [zone_id, *_] = self._zones([zone, *(ZoneKey(zone.municipality, other) for other in policy.along)])
        values = {
            "zone_id": zone_id,
            "version": policy.version,
            **_policy_values(policy),
            "valid_from": policy.valid_from,
            "enacted_by": enactment.enacted_by,
            "enacted_at": enactment.enacted_at,
            "signed_off": list(enactment.signed_off),
            "draft": enactment.draft,
        }
        if not self._insert_new(policy_version, values):
            raise ConflictError(f"zone {zone.zone} has a policy of version {policy.version} already")

    def exceptions(self, zone: ZoneKey) -> list[ExceptionRecord]:
        """All exceptions ever entered for the zone, withdrawn ones too, by first night, as entered, and by id."""
        records = [
            ExceptionRecord(_exception(_entered(row)), row.entered_by, row.withdrawn_by)
            for row in self._rows(_EXCEPTIONS_OF_ZONE, municipality=zone.municipality, zone=zone.zone)
        ]
        return sorted(records, key=lambda record: _by_night(record.exception))

    def add_exception(self, zone: ZoneKey, record: ExceptionRecord) -> None:
        """Add an exception. ConflictError when the zone has its id already."""
        [zone_id] = self._zones([zone])
        values = {
            "zone_id": zone_id,
            "slug": record.exception.id,
            "document": exception_to_json(record.exception),
            "last_night": record.exception.last,
            "entered_by": record.entered_by,
            "entered_at": record.exception.since,
            "withdrawn_by": record.withdrawn_by,
            "withdrawn_at": record.exception.until,
        }
        if not self._insert_new(light_exception, values):
            raise ConflictError(f"zone {zone.zone} has an exception {record.exception.id} already")

    def withdraw_exception(self, zone: ZoneKey, exception: str, by: str, at: datetime) -> bool:
        """Let an exception hold no longer from `at` on; False when there is none, or it was withdrawn already."""
        [zone_id] = self._zones([zone])
        values = {"of_zone": zone_id, "exception": exception, "by": by, "at": at}
        return self._quick(_WITHDRAW, values).changed > 0

    def _add_rulebook(self, one: Zone, at: datetime) -> None:
        """Enact and enter what a new zone comes with, counted from 1 in the order of its versions."""
        in_order = sorted(one.rulebook.policies, key=lambda policy: policy.version)
        for version, policy in enumerate(in_order, 1):
            self.enact(one.key, Enactment(replace(policy, version=version), None, at))
        for exception in one.rulebook.exceptions:
            self.add_exception(one.key, ExceptionRecord(exception, None))

    def _remove_rules(self, zone_ids: Sequence[int]) -> None:
        for rules in (policy_version, policy_draft, light_exception):
            self._run(delete(rules).where(rules.c.zone_id.in_(zone_ids)), {})


def along_of(zones: Iterable[Zone]) -> dict[str, str]:
    """The zones that any version of the given zones' policies lights along, each with one that does."""
    return {other: one.key.zone for one in zones for policy in one.rulebook.policies for other in policy.along}


def _policy_values(policy: Policy) -> dict[str, Any]:
    passed = policy.resolution
    return {
        "document": policy_to_json(policy),
        "resolution_number": None if passed is None else passed.number,
        "resolution_passed_on": None if passed is None else passed.passed_on,
        "resolution_safety_note": None if passed is None else passed.safety_note,
    }


def _enacted(row: AnyRow) -> _Enacted:
    """What makes the policy of a row; drafts have no version."""
    return _Enacted(
        row.document,
        getattr(row, "version", 0),
        row.resolution_number,
        row.resolution_passed_on,
        row.resolution_safety_note,
    )


def _entered(row: AnyRow) -> _Entered:
    return _Entered(row.slug, row.document, row.entered_at, row.withdrawn_at)


def _by_night(exception: LightException) -> tuple[date, datetime, str]:
    return exception.first, exception.since or _BEGINNING, exception.id


def _bounds(since: datetime) -> dict[str, Any]:
    """What the statements that leave out what was over before a moment need to know of it."""
    return {"since": since, "earliest": since.astimezone(UTC).date() - _SURELY_ENDED}


@lru_cache(maxsize=4096)
def _rulebook(enacted: tuple[_Enacted, ...], entered: tuple[_Entered, ...]) -> Rulebook:
    """The same for equal rows, so that what is cached by it is found again."""
    return Rulebook(tuple(map(_policy, enacted)), tuple(sorted(map(_exception, entered), key=_by_night)))


@lru_cache(maxsize=4096)
def _policy(enacted: _Enacted) -> Policy:
    number = enacted.number
    passed = None if number is None else Resolution(number, enacted.passed_on, enacted.safety_note or "")
    return replace(policy_from_json(enacted.document), version=enacted.version, resolution=passed)


@lru_cache(maxsize=4096)
def _exception(entered: _Entered) -> LightException:
    exception = ExceptionDocument.model_validate_json(entered.document).exception(entered.id)
    return replace(exception, since=entered.since, until=entered.until)
