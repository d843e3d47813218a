"""What every Store keeps of the council's rules: what was enacted stays for good, drafts and exceptions come and go."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time

import pytest

from service.domain.conditions import Conditions, Dates, NthWeekday
from service.domain.inventory import ZoneKey
from service.domain.policy import LightException, Limits, Policy, PressRules, Resolution, Rulebook
from service.domain.schedule import Anchor, Moment, QuietCap, Rule, Schedule, Step, Window
from service.domain.words import Admission, FailState
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import Draft, Enactment, ExceptionRecord, Tx
from service.store import SqlStore
from tests.support.leck import CROSSING, NOW, POLICY, STREET, later, leck
from tests.support.stores import query

NOWHERE = ZoneKey("leck", "nowhere")

EVERYTHING = Conditions(
    weekdays=(4, 5),
    months=(1, 12),
    dates=(Dates((12, 24), (1, 6)), Dates((2, 29), (3, 1), 2028, 2029)),
    nth=(NthWeekday(1, 6), NthWeekday(-1, 0)),
    holiday=False,
)
EVENING = Window(Moment(Anchor.CLOCK, time(22, 30)), Moment(Anchor.DAWN, offset_min=-5), EVERYTHING)
FULL = Policy(
    valid_from=date(2026, 12, 1),
    until=date(2027, 3, 31),
    schedule=Schedule(
        (Step(Anchor.DUSK, 70, offset_min=10, fade_s=30), Step(Anchor.CLOCK, 0, time(0, 30)), Step(Anchor.DAWN, 0)),
        (Rule(EVERYTHING, (Step(Anchor.SUNSET, 100), Step(Anchor.SUNRISE, 0))), Rule(Conditions(holiday=True), ())),
    ),
    press=PressRules(
        minutes=12,
        level=60,
        longest_minutes=90,
        rest_minutes=3,
        windows=(EVENING, Window(Moment(Anchor.SUNSET), Moment(Anchor.CLOCK, time(23), 15))),
        admission=Admission.CODE,
        limits=Limits(9, 240, 5000, 20),
        first_limits=Limits(2, 60, None, 50),
        first_nights=28,
        warn_before_dark=True,
    ),
    quiet=(QuietCap(50, EVENING), QuietCap(0, EVENING, ("cabinet-1", 2))),
    along=("kreuzung",),
    fail_state=FailState.DARK,
    cut_off_after_min=60,
    version=2,
    resolution=Resolution("2026/31 – Ö", date(2026, 11, 20), "the crossing stays lit"),
)
DRAFT = Draft("winter", replace(FULL, version=0), "Anna", NOW)
FESTIVAL = LightException(
    "festival",
    "Dorffest",
    date(2026, 12, 4),
    date(2026, 12, 6),
    (Step(Anchor.DUSK, 100, fade_s=5),),
    Moment(Anchor.CLOCK, time(1)),
    "2026/32",
    NOW,
)
INN = LightException("inn", "Krug", date(2026, 12, 1), date(2026, 12, 31), (Step(Anchor.CLOCK, 40, time(23)),))


def enacted(policy: Policy = FULL) -> Enactment:
    """A policy as Anna enacted it."""
    return Enactment(policy, "Anna", NOW, ("ring_sign", "rest"), "winter")


async def rulebook(store: SqlStore, key: ZoneKey = STREET) -> Rulebook:
    """A zone's rulebook, the same from both ways to it."""
    zone = await store.read(lambda tx: tx.zone(key))
    assert zone is not None
    assert zone in await store.read(lambda tx: tx.zones(key.municipality))
    return zone.rulebook


async def test_a_policy_comes_back_as_it_was_enacted(village: SqlStore) -> None:
    await village.write(lambda tx: tx.enact(STREET, enacted()))
    first = Enactment(POLICY, None, NOW)
    assert await village.read(lambda tx: tx.enactments(STREET)) == [first, enacted()]
    assert await rulebook(village) == Rulebook((POLICY, FULL))
    assert await rulebook(village, CROSSING) == leck().zones[1].rulebook


async def test_a_policy_without_a_resolution_has_none(village: SqlStore) -> None:
    plain = Enactment(replace(FULL, resolution=None), "Anna", NOW)
    await village.write(lambda tx: tx.enact(STREET, plain))
    assert (await village.read(lambda tx: tx.enactments(STREET)))[1] == plain


async def test_a_resolution_of_which_nobody_said_when_is_kept(village: SqlStore) -> None:
    unknown = replace(FULL, resolution=Resolution("2019/4", None))
    draft = replace(DRAFT, policy=replace(unknown, version=0))
    await village.write(lambda tx: tx.enact(STREET, enacted(unknown)))
    await village.write(lambda tx: tx.save_draft(STREET, draft))
    assert (await village.read(lambda tx: tx.enactments(STREET)))[1] == enacted(unknown)
    assert await rulebook(village) == Rulebook((POLICY, unknown))
    assert await village.read(lambda tx: tx.drafts(STREET)) == [draft]


async def test_nobody_can_pretend_to_be_the_municipalitys_file(village: SqlStore) -> None:
    def work(tx: Tx) -> None:
        for version, by in enumerate(("file", "", None), 2):
            tx.enact(STREET, Enactment(replace(FULL, version=version), by, NOW))
            tx.add_exception(STREET, ExceptionRecord(replace(INN, id=str(version)), by))

    await village.write(work)
    enactments = await village.read(lambda tx: tx.enactments(STREET))
    assert [one.enacted_by for one in enactments] == [None, "file", "", None]
    exceptions = await village.read(lambda tx: tx.exceptions(STREET))
    assert [one.entered_by for one in exceptions] == ["file", "", None]


async def test_what_was_enacted_cannot_be_enacted_again(village: SqlStore, store_url: str) -> None:
    await village.write(lambda tx: tx.enact(STREET, enacted()))
    before = query(store_url, "SELECT * FROM policy_version ORDER BY zone_id, version")
    other = Enactment(replace(FULL, until=None, resolution=None), "Bert", later(days=1))
    with pytest.raises(ConflictError, match="zone hauptstrasse has a policy of version 2 already"):
        await village.write(lambda tx: tx.enact(STREET, other))
    assert query(store_url, "SELECT * FROM policy_version ORDER BY zone_id, version") == before
    assert await rulebook(village) == Rulebook((POLICY, FULL))
    await village.write(lambda tx: tx.enact(CROSSING, enacted(replace(FULL, along=()))))  # another zone counts its own


async def test_versions_are_in_their_order_whenever_they_were_enacted(village: SqlStore) -> None:
    for version in (11, 3, 2):
        await village.write(lambda tx, v=version: tx.enact(STREET, enacted(replace(FULL, version=v))))  # type: ignore[misc]
    assert [policy.version for policy in (await rulebook(village)).policies] == [1, 2, 3, 11]
    assert [one.policy.version for one in await village.read(lambda tx: tx.enactments(STREET))] == [1, 2, 3, 11]


async def test_equal_rules_are_the_same_value_whoever_reads_them(village: SqlStore) -> None:
    await village.write(lambda tx: tx.enact(STREET, enacted()))
    await village.write(lambda tx: tx.add_exception(STREET, ExceptionRecord(FESTIVAL, "Anna")))
    [one, _] = await village.read(lambda tx: tx.zones("leck"))
    assert await rulebook(village) is one.rulebook
    await village.write(lambda tx: tx.enact(STREET, enacted(replace(FULL, version=3))))
    assert (await rulebook(village)).policies[1] is one.rulebook.policies[1]


async def test_a_draft_is_replaced_and_deleted_and_rules_nothing(village: SqlStore) -> None:
    changed = replace(DRAFT, policy=replace(DRAFT.policy, until=None, resolution=None), changed_by="Bert")
    spring = replace(DRAFT, id="spring", changed_at=later(hours=1))
    await village.write(lambda tx: tx.save_draft(STREET, DRAFT))
    assert await village.read(lambda tx: tx.drafts(STREET)) == [DRAFT]
    await village.write(lambda tx: tx.save_draft(STREET, changed))
    await village.write(lambda tx: tx.save_draft(STREET, spring))
    await village.write(lambda tx: tx.save_draft(CROSSING, DRAFT))
    assert await village.read(lambda tx: tx.drafts(STREET)) == [spring, changed]
    assert await rulebook(village) == Rulebook((POLICY,))
    assert await village.write(lambda tx: tx.delete_draft(STREET, "winter")) is True
    assert await village.write(lambda tx: tx.delete_draft(STREET, "winter")) is False
    assert await village.read(lambda tx: tx.drafts(STREET)) == [spring]
    assert await village.read(lambda tx: tx.drafts(CROSSING)) == [DRAFT]


async def test_an_exception_holds_and_is_entered_once(village: SqlStore) -> None:
    festival, inn = ExceptionRecord(FESTIVAL, "Anna"), ExceptionRecord(INN, "Bert")
    await village.write(lambda tx: tx.add_exception(STREET, festival))
    await village.write(lambda tx: tx.add_exception(STREET, inn))
    await village.write(lambda tx: tx.add_exception(CROSSING, festival))
    with pytest.raises(ConflictError, match="zone hauptstrasse has an exception festival already"):
        await village.write(lambda tx: tx.add_exception(STREET, ExceptionRecord(replace(INN, id="festival"), "Cleo")))
    assert await village.read(lambda tx: tx.exceptions(STREET)) == [inn, festival]  # by first night
    assert await rulebook(village) == Rulebook((POLICY,), (INN, FESTIVAL))
    assert (await rulebook(village, CROSSING)).exceptions == (FESTIVAL,)


async def test_a_withdrawn_exception_holds_up_to_then_and_stays_on_record(village: SqlStore) -> None:
    def enter(tx: Tx) -> None:
        for zone in (STREET, CROSSING):
            tx.add_exception(zone, ExceptionRecord(FESTIVAL, "Anna"))
        tx.add_exception(STREET, ExceptionRecord(INN, "Anna"))

    await village.write(enter)
    assert await village.write(lambda tx: tx.withdraw_exception(STREET, "festival", "Bert", later(days=1))) is True
    assert await village.write(lambda tx: tx.withdraw_exception(STREET, "festival", "Cleo", later(days=2))) is False
    assert await village.write(lambda tx: tx.withdraw_exception(STREET, "other", "Bert", NOW)) is False
    until = replace(FESTIVAL, until=later(days=1))
    records = [ExceptionRecord(INN, "Anna"), ExceptionRecord(until, "Anna", "Bert")]
    assert await village.read(lambda tx: tx.exceptions(STREET)) == records
    assert (await rulebook(village)).exceptions == (INN, until)
    assert (await rulebook(village, CROSSING)).exceptions == (FESTIVAL,)


async def test_of_a_zone_that_does_not_exist_there_are_no_rules(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.drafts(NOWHERE)) == []
    assert await village.read(lambda tx: tx.enactments(NOWHERE)) == []
    assert await village.read(lambda tx: tx.exceptions(NOWHERE)) == []


UNKNOWN: dict[str, Callable[[Tx], object]] = {
    "enact": lambda tx: tx.enact(NOWHERE, enacted()),
    "lit along": lambda tx: tx.enact(STREET, enacted(replace(FULL, along=("nowhere",)))),
    "draft": lambda tx: tx.save_draft(NOWHERE, DRAFT),
    "delete": lambda tx: tx.delete_draft(NOWHERE, "winter"),
    "exception": lambda tx: tx.add_exception(NOWHERE, ExceptionRecord(FESTIVAL, "Anna")),
    "withdraw": lambda tx: tx.withdraw_exception(NOWHERE, "festival", "Anna", NOW),
}


@pytest.mark.parametrize("what", UNKNOWN)
async def test_rules_for_what_does_not_exist_are_refused_by_name(village: SqlStore, store_url: str, what: str) -> None:
    with pytest.raises(UnknownError, match="zone: leck/nowhere does not exist"):
        await village.write(UNKNOWN[what])
    assert query(store_url, "SELECT count(*) FROM policy_version") == [(2,)]


async def test_drafts_have_no_version_and_what_is_enacted_has_one(village: SqlStore) -> None:
    with pytest.raises(InvalidError, match="draft winter: version: 2 is not 0"):
        await village.write(lambda tx: tx.save_draft(STREET, replace(DRAFT, policy=FULL)))
    with pytest.raises(InvalidError, match="version: 0 is not 1 or more"):
        await village.write(lambda tx: tx.enact(STREET, enacted(DRAFT.policy)))
