"""Policies: drafted, linted, enacted by a resolution, and immutable from then on."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from service.domain.inventory import Inventory, ZoneKey
from service.domain.lint import FindingCode
from service.domain.policy import Policy, Resolution
from service.domain.schedule import Anchor, Moment, QuietCap, Window
from service.domain.words import PolicyState, RingSign
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import Draft, Enactment
from service.store import SqlStore
from service.usecases import policies
from service.usecases.templates import templates
from tests.unit.villages import DIMMED_THEN_DARK, luetjenholm, policy
from tests.usecases.acting import Village
from tests.usecases.conftest import NIGHT

DORF = ZoneKey("luetjenholm", "dorf")
STREET, CROSSING = ZoneKey("leck", "hauptstrasse"), ZoneKey("leck", "kreuzung")
LAMP_STREET = ZoneKey("glasau", "dorfstrasse")
TOMORROW = date(2026, 11, 22)
PASSED = Resolution("2026/7", date(2026, 11, 1), "walked on 3 November")
SMALL_HOURS = Window(Moment(Anchor.CLOCK, time(1)), Moment(Anchor.CLOCK, time(4)))


def wanted(**changes: Any) -> Policy:
    """Half light from 22:00, dark from 23:00, 15 minutes; from the coming night on."""
    return replace(policy(DIMMED_THEN_DARK, 15, version=0), **{"valid_from": TOMORROW, **changes})


async def drafted(village: Village, key: ZoneKey, wanted: Policy) -> Draft:
    return await village.store.write(lambda tx: policies.create_draft(tx, key, wanted, "the clerk", village.now))


async def enacted(village: Village, key: ZoneKey, wanted: Policy, *signed_off: str) -> Enactment:
    return await enact(village, key, await drafted(village, key, wanted), PASSED, *signed_off)


async def enact(village: Village, key: ZoneKey, draft: Draft, resolution: Resolution, *signed_off: str) -> Enactment:
    linted = await village.store.read(lambda tx: policies.lint_draft(tx, key, draft.id, village.now))
    return await village.store.write(
        lambda tx: policies.enact(tx, key, linted, resolution, signed_off, "the mayor", village.now)
    )


async def states(village: Village, key: ZoneKey) -> list[tuple[int, PolicyState]]:
    board = await village.store.read(lambda tx: policies.board(tx, key, village.now))
    return [(enactment.policy.version, state) for enactment, state in board.enacted]


async def minutes(village: Village, key: ZoneKey, day: date) -> int:
    zone = await village.store.read(lambda tx: tx.zone(key))
    assert zone is not None
    return zone.policy_on(day).press.minutes


async def test_a_draft_is_not_in_force_and_can_be_changed_and_dropped(village: Village) -> None:
    before = await village.store.read(lambda tx: tx.zone(DORF))
    draft = await drafted(village, DORF, wanted())
    assert await village.store.read(lambda tx: tx.zone(DORF)) == before
    longer = replace(draft.policy, press=replace(draft.policy.press, minutes=20))
    changed = await village.store.write(
        lambda tx: policies.replace_draft(tx, DORF, draft.id, longer, "the mayor", village.now)
    )
    assert (changed.id, changed.policy.press.minutes, changed.changed_by) == (draft.id, 20, "the mayor")
    assert await village.store.read(lambda tx: policies.draft_of(tx, DORF, draft.id)) == changed
    await village.store.write(lambda tx: policies.delete_draft(tx, DORF, draft.id))
    with pytest.raises(UnknownError, match=draft.id):
        await village.store.write(lambda tx: policies.delete_draft(tx, DORF, draft.id))


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (wanted(along=("nowhere",)), r"along\.0"),
        (wanted(along=("kreuzung", "hauptstrasse")), r"along\.1"),
        (wanted(quiet=(QuietCap(30, SMALL_HOURS, ("cabinet-1", 2)),)), r"quiet\.0\.output"),
    ],
)
async def test_a_draft_that_names_what_is_not_there_is_refused_whole(store: SqlStore, bad: Policy, field: str) -> None:
    village = Village(store, "leck", NIGHT)
    with pytest.raises(InvalidError, match=field):
        await drafted(village, STREET, bad)
    assert await store.read(lambda tx: tx.drafts(STREET)) == []


async def test_a_zone_has_only_so_many_drafts(village: Village) -> None:
    for _ in range(policies.MOST_DRAFTS):
        await drafted(village, DORF, wanted())
    with pytest.raises(ConflictError, match="delete one"):
        await drafted(village, DORF, wanted())


async def test_what_was_enacted_rules_from_its_night_on_and_says_who_and_which_resolution(village: Village) -> None:
    done = await enacted(village, DORF, wanted())
    assert (done.policy.version, done.policy.resolution, done.enacted_by) == (2, PASSED, "the mayor")
    assert await village.store.read(lambda tx: tx.drafts(DORF)) == []
    assert await states(village, DORF) == [(1, PolicyState.IN_FORCE), (2, PolicyState.ENACTED)]
    assert await minutes(village, DORF, TOMORROW - timedelta(days=1)) == 12
    assert await minutes(village, DORF, TOMORROW) == 15
    village.later(days=1)
    assert await states(village, DORF) == [(1, PolicyState.SUPERSEDED), (2, PolicyState.IN_FORCE)]


async def test_after_a_trial_the_former_policy_rules_again(village: Village) -> None:
    await enacted(village, DORF, wanted(until=date(2027, 3, 31)))
    assert [await minutes(village, DORF, date(2027, 3, 31) + timedelta(days=n)) for n in (0, 1)] == [15, 12]
    village.later(days=1)
    assert await states(village, DORF) == [(1, PolicyState.ENACTED), (2, PolicyState.IN_FORCE)]


async def test_no_policy_begins_in_a_night_that_has_begun(village: Village) -> None:
    draft = await drafted(village, DORF, wanted(valid_from=TOMORROW - timedelta(days=1)))
    with pytest.raises(policies.FindingsError) as refused:
        await enact(village, DORF, draft, PASSED)
    assert [finding.code for finding in refused.value.findings] == [FindingCode.STARTS_IN_THE_PAST]
    assert await states(village, DORF) == [(1, PolicyState.IN_FORCE)]
    assert await village.store.read(lambda tx: tx.drafts(DORF)) == [draft]


async def test_a_lamp_without_its_ring_blocks_and_an_unknown_one_is_signed_off_by_name(store: SqlStore) -> None:
    home = luetjenholm()
    for ring, code in ((RingSign.NO, FindingCode.RING_SIGN_MISSING), (RingSign.UNKNOWN, FindingCode.RING_SIGN_UNKNOWN)):
        village = await _with_ring(store, home, ring)
        draft = await drafted(village, DORF, wanted())
        with pytest.raises(policies.FindingsError) as refused:
            await enact(village, DORF, draft, PASSED)
        assert [finding.code for finding in refused.value.findings] == [code]
    done = await enact(village, DORF, draft, PASSED, FindingCode.RING_SIGN_UNKNOWN.value)
    assert (done.signed_off, done.enacted_by) == (("ring_sign_unknown",), "the mayor")
    village = await _with_ring(store, home, RingSign.NO)
    draft = await drafted(village, DORF, wanted())
    with pytest.raises(policies.FindingsError):  # an error is nobody's to sign off
        await enact(village, DORF, draft, PASSED, FindingCode.RING_SIGN_MISSING.value)


async def _with_ring(store: SqlStore, home: Inventory, ring: RingSign) -> Village:
    lamps = (replace(home.lamps[0], ring=ring), *home.lamps[1:])
    village = Village(store, "luetjenholm", NIGHT)
    await store.write(lambda tx: tx.save_inventory(replace(home, lamps=lamps), village.now))
    return village


async def test_a_draft_that_changed_after_it_was_linted_is_not_enacted(village: Village) -> None:
    draft = await drafted(village, DORF, wanted())
    linted = await village.store.read(lambda tx: policies.lint_draft(tx, DORF, draft.id, village.now))
    other = wanted(cut_off_after_min=60)
    await village.store.write(lambda tx: policies.replace_draft(tx, DORF, draft.id, other, "a stranger", village.now))
    with pytest.raises(ConflictError, match="look again"):
        await village.store.write(lambda tx: policies.enact(tx, DORF, linted, PASSED, (), "the mayor", village.now))
    again = await village.store.read(lambda tx: policies.lint_draft(tx, DORF, draft.id, village.now))
    village.later(hours=12)  # its first night has begun
    with pytest.raises(ConflictError, match="look again"):
        await village.store.write(lambda tx: policies.enact(tx, DORF, again, PASSED, (), "the mayor", village.now))
    assert await states(village, DORF) == [(1, PolicyState.IN_FORCE)]


async def test_a_resolution_of_the_future_enacts_nothing(village: Village) -> None:
    draft = await drafted(village, DORF, wanted())
    future = replace(PASSED, passed_on=date(2026, 11, 23))
    with pytest.raises(InvalidError, match="passed_on"):
        await enact(village, DORF, draft, future)
    assert await states(village, DORF) == [(1, PolicyState.IN_FORCE)]


async def test_a_copy_leaves_behind_what_is_the_zones_alone(store: SqlStore) -> None:
    village = Village(store, "glasau", NIGHT)
    caps = (QuietCap(30, SMALL_HOURS), QuietCap(10, SMALL_HOURS, ("lamp-01", 1)))
    source = wanted(valid_from=date(2020, 1, 1), quiet=caps, along=("kirchweg",), version=7, resolution=PASSED)
    others = [ZoneKey("glasau", "kirchweg"), ZoneKey("glasau", "am-see")]
    made = await store.write(lambda tx: policies.copy_policy(tx, source, others, "the clerk", village.now))
    assert [key for key, _ in made] == others
    for key, draft in made:
        assert await store.read(lambda tx, k=key: tx.drafts(k)) == [draft]  # type: ignore[misc] # bound now
        assert draft.policy == wanted(quiet=caps[:1])
    with pytest.raises(UnknownError):
        await store.write(
            lambda tx: policies.copy_policy(
                tx, source, [others[0], ZoneKey("glasau", "nowhere")], "the clerk", village.now
            )
        )
    assert len(await store.read(lambda tx: tx.drafts(others[0]))) == 1


async def test_importing_again_keeps_the_councils_rules(village: Village) -> None:
    await enacted(village, DORF, wanted())
    await village.store.write(lambda tx: tx.save_inventory(luetjenholm(), village.now))
    assert await minutes(village, DORF, TOMORROW) == 15


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("key", [DORF, LAMP_STREET])
async def test_every_template_can_be_enacted_as_it_is(store: SqlStore, key: ZoneKey, language: str) -> None:
    village = Village(store, key.municipality, NIGHT)
    found = await store.read(lambda tx: templates(tx, key.municipality, language, village.now))
    assert [template.id for template in found] == ["luetjenholm", "glasau", "leck"]
    for template in found:
        draft = await drafted(village, key, template.policy.policy())
        linted = await store.read(lambda tx, d=draft: policies.lint_draft(tx, key, d.id, village.now))  # type: ignore[misc]
        assert not [finding for finding in linted.findings if policies.blocks(finding, ())]
