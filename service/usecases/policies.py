"""Policies: a council drafts rules for a zone, hears what is wrong with them, and enacts them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from secrets import token_hex
from zoneinfo import ZoneInfo

from service.domain.inventory import Inventory, Municipality, Zone, ZoneKey
from service.domain.lint import Finding, FindingCode, Severity, lint
from service.domain.policy import Policy, Resolution
from service.domain.sun import night_of
from service.domain.words import PolicyState
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import Draft, Enactment, Tx
from service.usecases.press import find

MOST_DRAFTS = 20
"""Drafts that a zone may have at once."""

TO_SIGN_OFF = frozenset(
    {
        FindingCode.RING_SIGN_UNKNOWN,
        FindingCode.NEVER_LIT_BY_ITSELF,
        FindingCode.OVERTAKES,
        FindingCode.NOTHING_RULES_AFTER,
        FindingCode.NOBODY_CAN_SHOW_YET,
        FindingCode.PRESSER_NOT_KNOWN_YET,
    }
)
"""Warnings that somebody accepts by name before a draft is enacted: nobody is to be surprised by these."""


@dataclass(frozen=True, slots=True)
class Board:
    """All that was ever passed for a zone, with its state tonight, and what is being worked on."""

    zone: Zone
    enacted: tuple[tuple[Enactment, PolicyState], ...]
    drafts: tuple[Draft, ...]


class FindingsError(ConflictError):
    """A draft that cannot be enacted as it is, with what is wrong with it."""

    reason = "findings"

    def __init__(self, detail: str, findings: list[Finding]) -> None:
        """Keep the findings for the caller."""
        super().__init__(detail)
        self.findings = findings


def board(tx: Tx, key: ZoneKey, now: datetime) -> Board:
    """The policies of a zone; UnknownError where there is no such zone."""
    home, zone = find(tx, key)
    tonight = night_of(now, home.place.tz)
    enacted = tx.enactments(key)
    states = (zone.rulebook.state_on(one.policy.version, tonight) for one in enacted)
    return Board(zone, tuple(zip(enacted, states, strict=True)), tuple(tx.drafts(key)))


def enacted_policy(tx: Tx, key: ZoneKey, version: int) -> Policy:
    """An enacted policy by its version, or UnknownError."""
    _, zone = find(tx, key)
    found = next((policy for policy in zone.rulebook.policies if policy.version == version), None)
    if found is None:
        raise UnknownError(f"{zone.name} has no policy of version {version}.")
    return found


def draft_of(tx: Tx, key: ZoneKey, draft: str) -> Draft:
    """A draft, or UnknownError."""
    _, zone = find(tx, key)
    found = next((one for one in tx.drafts(key) if one.id == draft), None)
    if found is None:
        enacted = next((one.policy.version for one in tx.enactments(key) if one.draft == draft), None)
        if enacted is not None:
            raise ConflictError(
                f"This draft was enacted as version {enacted}, which nobody can change; copy it to a new draft."
            )
        raise UnknownError(f"{zone.name} has no draft “{draft}”.")
    return found


def create_draft(tx: Tx, key: ZoneKey, policy: Policy, by: str, now: datetime) -> Draft:
    """Begin a draft. InvalidError names what it refers to and the zone lacks."""
    home, zone = find(tx, key)
    check_references(tx, home, zone, policy)
    if len(tx.drafts(key)) >= MOST_DRAFTS:
        raise ConflictError(f"{zone.name} has {MOST_DRAFTS} drafts already; delete one of them first.")
    draft = Draft(f"draft-{token_hex(4)}", policy, by, now)
    tx.save_draft(key, draft)
    return draft


def replace_draft(tx: Tx, key: ZoneKey, draft: str, policy: Policy, by: str, now: datetime) -> Draft:
    """Replace what a draft says."""
    home, zone = find(tx, key)
    draft_of(tx, key, draft)
    check_references(tx, home, zone, policy)
    changed = Draft(draft, policy, by, now)
    tx.save_draft(key, changed)
    return changed


def delete_draft(tx: Tx, key: ZoneKey, draft: str) -> None:
    """Drop a draft; what was enacted cannot be dropped."""
    draft_of(tx, key, draft)
    tx.delete_draft(key, draft)


def copy_policy(
    tx: Tx, policy: Policy, keys: Collection[ZoneKey], by: str, now: datetime
) -> list[tuple[ZoneKey, Draft]]:
    """Begin a draft like a policy in other zones, all or none.

    What is the first zone's alone stays behind: zones lit along, and quiet caps of single outputs.
    """
    quiet = tuple(cap for cap in policy.quiet if cap.output is None)
    tonight = {key: night_of(now, find(tx, key)[0].place.tz) for key in keys}
    like = replace(policy, quiet=quiet, along=(), version=0, resolution=None)
    return [(key, create_draft(tx, key, _begun_later(like, tonight[key]), by, now)) for key in keys]


def _begun_later(policy: Policy, tonight: date) -> Policy:
    """A copy begins with the coming night where the original has begun already."""
    if policy.valid_from > tonight:
        return policy
    start = tonight + timedelta(days=1)
    until = policy.until if policy.until is not None and policy.until >= start else None
    return replace(policy, valid_from=start, until=until)


@dataclass(frozen=True, slots=True)
class Linted:
    """A draft, all that it was judged by, and what is to be known of it before it is enacted."""

    draft: Draft
    inventory: Inventory
    findings: tuple[Finding, ...]


def lint_draft(tx: Tx, key: ZoneKey, draft: str, now: datetime) -> Linted:
    """Look at a draft through the nights that matter. May take a second: for a read transaction."""
    home, zone = find(tx, key)
    drafted = draft_of(tx, key, draft)
    inventory = inventory_of(tx, home)
    zones = {other.key.zone: other for other in inventory.zones}
    found = lint(drafted.policy, zone, inventory, zones, night_of(now, home.place.tz))
    return Linted(drafted, inventory, tuple(found))


def enact(
    tx: Tx, key: ZoneKey, linted: Linted, resolution: Resolution, signed_off: Collection[str], by: str, now: datetime
) -> Enactment:
    """Put a draft in force as the zone's next version; it is immutable from then on, and no draft any more.

    FindingsError while there are errors, or warnings that somebody must accept by name and nobody did. ConflictError
    where draft, rules or inventory are others than those that were linted.
    """
    home, zone = find(tx, key)
    draft = draft_of(tx, key, linted.draft.id)
    if resolution.passed_on is None:
        raise InvalidError("resolution.passed_on: say when the council passed it.")
    if resolution.passed_on > now.astimezone(ZoneInfo(home.place.tz)).date():
        raise InvalidError(f"resolution.passed_on: {resolution.passed_on} lies in the future.")
    blocking = [finding for finding in linted.findings if blocks(finding, signed_off)]
    if blocking:
        raise FindingsError("The draft cannot be enacted as it is; see findings.", blocking)
    late = draft.policy.valid_from <= night_of(now, home.place.tz)
    if late or draft != linted.draft or inventory_of(tx, home) != linted.inventory:
        raise ConflictError("Something changed while the draft was looked at; please look again and enact it then.")
    version = 1 + max(policy.version for policy in zone.rulebook.policies)
    policy = replace(draft.policy, version=version, resolution=resolution)
    accepted = {finding.code.value for finding in linted.findings} & set(signed_off)
    enactment = Enactment(policy, by, now, tuple(sorted(accepted)), draft.id)
    tx.enact(key, enactment)
    tx.delete_draft(key, draft.id)
    return enactment


def blocks(finding: Finding, signed_off: Collection[str]) -> bool:
    """Whether a draft with this finding cannot be enacted."""
    unsigned = finding.code in TO_SIGN_OFF and finding.code.value not in signed_off
    return finding.severity is Severity.ERROR or unsigned


def inventory_of(tx: Tx, home: Municipality) -> Inventory:
    """All that stands in a municipality."""
    return Inventory(home, tuple(tx.zones(home.id)), tuple(tx.controllers(home.id)), tuple(tx.lamps(home.id)))


def check_references(tx: Tx, home: Municipality, zone: Zone, policy: Policy) -> None:
    """InvalidError that names what a policy for a zone refers to and the municipality lacks."""
    zones = {other.key.zone for other in tx.zones(home.id)}
    for n, along in enumerate(policy.along):
        if along not in zones or along == zone.key.zone:
            raise InvalidError(f"along.{n}: {home.name} has no other zone “{along}”.")
    outputs = {(output.key.controller, output.key.n) for output in tx.outputs([zone.key])}
    for n, cap in enumerate(policy.quiet):
        if cap.output is not None and cap.output not in outputs:
            name = f"{cap.output[0]}/{cap.output[1]}"
            raise InvalidError(f"quiet.{n}.output: {zone.name} has no output “{name}”.")
