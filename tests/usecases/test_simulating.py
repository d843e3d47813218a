"""Simulations asked of a real store: which presses, which policies, and figures that add up on paper."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from service.domain.demand import recorded_presses
from service.domain.inventory import ZoneKey
from service.domain.policy import Limits, Policy, PressRules
from service.domain.words import Channel
from service.errors import InvalidError, UnknownError
from service.store import SqlStore
from service.usecases.exceptions import add_exception
from service.usecases.simulating import Model, Question, prepare
from service.usecases.simulation_report import ReportBody, csv_of, report_of
from tests.unit.villages import DARK_AFTER_ELEVEN, NEVER_LIT, policy
from tests.usecases.acting import Village
from tests.usecases.conftest import NIGHT
from tests.usecases.test_exceptions import FESTIVAL

FIRST, LAST = date(2026, 11, 20), date(2026, 12, 10)
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
MODEL = Model(1, 4.0, curious=False)
EARLIER = policy(DARK_AFTER_ELEVEN, 12, version=0)


def question(
    *drafts: Policy, first: date = FIRST, last: date = LAST, presses: Model | None = MODEL, zone: str = "dorf"
) -> Question:
    return Question(first, last, {f"draft {n}": {zone: draft} for n, draft in enumerate(drafts)}, presses)


async def asked(village: Village, asked: Question) -> ReportBody:
    prepared = await village.store.read(lambda tx: prepare(tx, village.id, asked, village.now, LONG_AGO))
    return report_of(prepared.run())


async def test_drafts_stand_between_today_and_all_night(village: Village) -> None:
    report = await asked(village, question(EARLIER, policy(NEVER_LIT, 12, version=0)))
    assert [(one.name, one.kind) for one in report.scenarios] == [
        ("today", "today"),
        ("draft 0", "draft"),
        ("draft 1", "draft"),
        ("all-night", "all-night"),
    ]
    today, earlier, never, all_night = (one.different_pressers for one in report.scenarios)
    assert never.kwh < earlier.kwh < today.kwh < all_night.kwh
    assert never.kwh == never.pressed_kwh
    assert all_night.granted == 0
    assert all(one.granted + one.refused == report.presses.count for one in (today, earlier, never, all_night))


async def test_a_draft_is_run_as_if_in_force_in_all_the_nights(village: Village) -> None:
    soon = await asked(village, question(EARLIER))
    later = await asked(village, question(policy(DARK_AFTER_ELEVEN, 12, version=0, valid_from=date(2040, 1, 1))))
    ended = await asked(village, question(policy(DARK_AFTER_ELEVEN, 12, version=0, until=date(2026, 1, 1))))
    figures = [one.model_dump(exclude={"scenarios": {"__all__": {"changes"}}}) for one in (soon, later, ended)]
    assert figures[0] == figures[1] == figures[2]


async def test_exceptions_are_no_part_of_what_is_compared(village: Village) -> None:
    before = await asked(village, question(EARLIER))
    await village.store.write(lambda tx: add_exception(tx, ZoneKey("luetjenholm", "dorf"), FESTIVAL, "x", village.now))
    assert await asked(village, question(EARLIER)) == before


async def test_the_report_says_which_policy_stood_for_today(village: Village) -> None:
    (today,) = (await asked(village, question(EARLIER))).today
    assert (today.zone, today.version, today.resolution, today.until) == ("dorf", 1, None, None)


async def test_recorded_presses_are_those_of_nights_that_are_over(village: Village) -> None:
    await village.press("dorf")
    village.later(minutes=30)
    await village.press("dorf")
    with pytest.raises(InvalidError, match="recorded up to the night of 2026-11-20"):
        await asked(village, question(EARLIER, presses=None))
    village.later(days=1)
    report = await asked(village, question(EARLIER, last=date(2026, 11, 21), presses=None))
    assert (report.presses.source, report.presses.count) == ("recorded", 2)
    figures = report.scenarios[0].different_pressers
    assert figures.granted + figures.refused == 2
    nobody = await asked(village, question(EARLIER, last=date(2026, 11, 20), presses=None))
    assert nobody.presses.count == 0


@pytest.mark.parametrize("hours", [0, 3])
async def test_no_question_tells_when_in_a_night_somebody_pressed(village: Village, hours: int) -> None:
    village.later(hours=hours)
    await village.press("dorf")
    village.now = NIGHT + timedelta(days=1)
    night_alone = question(EARLIER, first=date(2026, 11, 21), last=date(2026, 11, 21), presses=None)
    prepared = await village.store.read(lambda tx: prepare(tx, village.id, night_alone, village.now, LONG_AGO))
    place = prepared.inventory.municipality.place
    assert prepared.demand() == recorded_presses({("dorf", date(2026, 11, 21), Channel.WEB): 1}, place)


async def test_limits_per_presser_give_bounds_and_others_none(village: Village) -> None:
    limited = Policy(FIRST, DARK_AFTER_ELEVEN, PressRules(12, limits=Limits(per_presser=1)))
    report = await asked(village, question(limited, EARLIER))
    bounded, free = report.scenarios[1], report.scenarios[2]
    assert bounded.one_presser is not None
    assert bounded.one_presser.granted < bounded.different_pressers.granted
    assert free.one_presser is None
    assert free.zones[0].months[0].one_presser is None


async def test_months_add_up_to_zones_and_zones_to_the_whole(store: SqlStore) -> None:
    report = await asked(Village(store, "glasau", NIGHT), question(EARLIER, zone="kirchweg"))
    for scenario in report.scenarios:
        whole = scenario.different_pressers
        zones = [zone.different_pressers for zone in scenario.zones]
        months = [month.different_pressers for zone in scenario.zones for month in zone.months]
        for parts in (zones, months):
            assert sum(part.granted for part in parts) == whole.granted
            assert sum(part.refused for part in parts) == whole.refused
            assert abs(sum(part.kwh for part in parts) - whole.kwh) < Decimal("0.01")
            assert abs(sum(part.dark_minutes for part in parts) - whole.dark_minutes) <= len(parts)


async def test_the_csv_has_the_same_figures_with_units(village: Village) -> None:
    report = await asked(village, question(EARLIER))
    rows = list(csv.DictReader(io.StringIO(csv_of(report))))
    assert {"energy_kwh", "money_EUR", "co2_kg", "refused_daylight"} <= rows[0].keys()
    for scenario in report.scenarios:
        own = [row for row in rows if row["scenario"] == scenario.name]
        assert sum(Decimal(row["energy_kwh"]) for row in own) == pytest.approx(scenario.different_pressers.kwh)
        assert sum(int(row["granted"]) for row in own) == scenario.different_pressers.granted


async def test_a_name_that_looks_like_a_formula_is_text_in_the_csv(village: Village) -> None:
    formula = Question(FIRST, LAST, {"=1+1": {"dorf": EARLIER}}, MODEL)
    assert "'=1+1" in csv_of(await asked(village, formula))


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (question(EARLIER, last=FIRST - timedelta(days=1)), "to"),
        (question(EARLIER, last=FIRST + timedelta(days=5 * 366)), "five years"),
        (question(EARLIER, last=date(2031, 11, 20)), "five years"),
        (question(), "drafts"),
        (question(*[EARLIER] * 6), "at most 5"),
        (Question(FIRST, LAST, {"all-night": {"dorf": EARLIER}}, MODEL), "all-night"),
        (question(EARLIER, presses=Model(1, 5000.0, curious=False)), "presses"),
        (question(EARLIER, presses=Model(1, 1000.0, curious=False), last=date(2031, 11, 1)), "presses: these would"),
        (question(EARLIER, presses=Model(1, 1000.0, curious=True), last=date(2027, 8, 31)), "presses: these would"),
        (question(EARLIER, first=date(9999, 1, 1), last=date(9999, 12, 31)), "2199"),
        (question(replace(EARLIER, along=("nowhere",))), r"along\.0"),
    ],
)
async def test_questions_without_an_answer_are_refused(village: Village, bad: Question, named: str) -> None:
    with pytest.raises(InvalidError, match=named):
        await asked(village, bad)


async def test_nights_whose_presses_were_deleted_are_refused_and_not_told_as_none(village: Village) -> None:
    asked_for = question(EARLIER, last=FIRST, presses=None)
    with pytest.raises(InvalidError, match="deleted"):
        await village.store.read(lambda tx: prepare(tx, village.id, asked_for, village.now, NIGHT))


async def test_a_zone_that_is_not_there_is_named(village: Village) -> None:
    with pytest.raises(UnknownError, match="nowhere"):
        await asked(village, question(EARLIER, zone="nowhere"))
