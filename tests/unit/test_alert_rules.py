"""When alerts go out: quiet hours on every night of the year, growing pauses, one message and not a storm."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from service.domain.alert_rules import (
    APART,
    GATHER,
    GIVE_UP,
    URGENT_APART,
    URGENT_FAULTS,
    Pace,
    Waiting,
    choose,
    choose_at_once,
    failed,
    first_due,
    is_urgent,
    pace_of,
    quiet_until,
    tried,
)
from service.domain.alerts import Alert, Delivery
from service.domain.inventory import AlertRules
from service.domain.words import AlertKind, FaultKind
from tests.unit.villages import BERLIN, utc

NOW = utc("2026-11-22T12:00:00")
NIGHT = AlertRules(quiet_from=time(22), quiet_until=time(6, 30))
MINUTE = timedelta(minutes=1)


def alert(*, urgent: bool = False, at: datetime = NOW) -> Alert:
    return Alert("a", "leck", AlertKind.FAULT_OPENED, at, "f", urgent)


def waiting(due: datetime, *, urgent: bool = False, attempts: int = 0, key: str = "a") -> Waiting:
    return Waiting(replace(alert(urgent=urgent), id=key), due, attempts)


# quiet hours


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-11-22T20:59:59", None),  # 21:59:59
        ("2026-11-22T21:00:00", "2026-11-23T05:30:00"),
        ("2026-11-23T00:00:00", "2026-11-23T05:30:00"),
        ("2026-11-23T05:29:59", "2026-11-23T05:30:00"),
        ("2026-11-23T05:30:00", None),
        ("2027-03-27T21:30:00", "2027-03-28T04:30:00"),  # the night of 23 hours ends in summer time
        ("2026-10-24T20:30:00", "2026-10-25T05:30:00"),  # the night of 25 hours ends in winter time
    ],
)
def test_quiet_hours_over_midnight(at: str, end: str | None) -> None:
    assert quiet_until(NIGHT, BERLIN, utc(at)) == (end and utc(end))


def test_quiet_hours_of_one_day() -> None:
    noon = AlertRules(quiet_from=time(12), quiet_until=time(14))
    assert quiet_until(noon, BERLIN, utc("2026-11-22T12:59:00")) == utc("2026-11-22T13:00:00")
    assert quiet_until(noon, BERLIN, utc("2026-11-22T13:00:00")) is None


@pytest.mark.parametrize(
    ("begin", "end", "day", "nights"),
    [
        (time(22), time(2, 30), "2027-03-27", ("21:00", "01:00")),  # 02:30 is left out: until the jump, at 01:00 UTC
        (time(2, 30), time(5), "2027-03-27", ("01:00", "03:00")),
        (time(22), time(2, 30), "2026-10-24", ("20:00", "00:30")),  # 02:30 comes twice: until the first
        (time(2, 30), time(5), "2026-10-24", ("00:30", "04:00")),
    ],
)
def test_quiet_hours_begin_and_end_once_where_the_clock_jumps(
    begin: time, end: time, day: str, nights: tuple[str, str]
) -> None:
    rules = AlertRules(quiet_from=begin, quiet_until=end)
    start = utc(f"{day}T18:00:00")
    minutes = [start + n * MINUTE for n in range(12 * 60)]
    quiet = [at for at in minutes if quiet_until(rules, BERLIN, at) is not None]
    assert quiet == [at for at in minutes if quiet[0] <= at <= quiet[-1]], "in one piece"
    assert (f"{quiet[0]:%H:%M}", f"{quiet[-1] + MINUTE:%H:%M}") == nights


@pytest.mark.parametrize(
    "rules", [AlertRules(), AlertRules(quiet_from=time(22)), AlertRules(quiet_from=time(6), quiet_until=time(6))]
)
def test_without_both_times_it_is_never_quiet(rules: AlertRules) -> None:
    assert [quiet_until(rules, BERLIN, NOW + n * timedelta(hours=1)) for n in range(24)] == [None] * 24


def test_an_alert_gathers_and_waits_for_the_morning_unless_it_is_urgent() -> None:
    almost = utc("2026-11-22T20:59:30")  # quiet when it would be due
    assert first_due(NIGHT, BERLIN, NOW, Pace.ORDINARY) == NOW + GATHER
    assert first_due(NIGHT, BERLIN, almost, Pace.ORDINARY) == utc("2026-11-23T05:30:00")
    assert first_due(NIGHT, BERLIN, almost, Pace.URGENT) == almost + GATHER
    assert first_due(NIGHT, BERLIN, almost + GATHER, Pace.AT_ONCE) == almost + GATHER


def test_what_is_urgent() -> None:
    for how in (AlertKind.FAULT_OPENED, AlertKind.FAULT_REOPENED):
        urgent = {kind for kind in FaultKind if is_urgent(how, kind)}
        assert urgent == URGENT_FAULTS
    assert {"supplyLoss", "brokerOutage", "serviceOutage", "relayFailure", "circuitsSwapped"} == URGENT_FAULTS
    assert not any(is_urgent(AlertKind.FAULT_CLOSED, kind) for kind in FaultKind)
    assert is_urgent(AlertKind.LOCK_ENDING, None)
    assert pace_of(AlertKind.LOCK_ENDING, urgent=True) is Pace.AT_ONCE
    assert pace_of(AlertKind.FAULT_OPENED, urgent=True) is Pace.URGENT
    assert pace_of(AlertKind.FAULT_CLOSED, urgent=False) is Pace.ORDINARY


# tries


def test_pauses_grow_until_three_days_have_passed() -> None:
    delivery, now, one = Delivery(NOW), NOW, alert()
    pauses = []
    while delivery.due is not None:
        delivery = failed(one, tried(delivery, now), now, lasting=False)
        if delivery.due is not None:
            pauses.append((delivery.due - now) // MINUTE)
            now = delivery.due
    assert pauses[:6] == [1, 5, 15, 60, 240, 240]
    assert set(pauses[4:]) == {240}
    assert GIVE_UP <= now - one.at < GIVE_UP + timedelta(hours=4)
    assert delivery.sent_at is None


def test_a_lasting_refusal_ends_it_at_once() -> None:
    assert failed(alert(), tried(Delivery(NOW), NOW), NOW, lasting=True) == Delivery(None, 1)


# what goes now


def test_nothing_goes_before_the_time_of_one_has_come_and_then_all_of_it() -> None:
    first, second = waiting(NOW), waiting(NOW + GATHER, key="b")
    assert choose([first, second], NOW - MINUTE, None, None).send == ()
    assert choose([first, second], NOW, None, None) == ((first, second), (), None)


def test_a_message_follows_another_after_a_quarter_of_an_hour() -> None:
    one, last = waiting(NOW), NOW - MINUTE
    assert choose([one], NOW, None, last) == ((), (one,), last + APART)
    assert choose([one], last + APART, None, last).send == (one,)


def test_what_is_urgent_goes_at_once_and_takes_along_what_would_wait() -> None:
    one, urgent = waiting(NOW), waiting(NOW, urgent=True, key="b")
    assert choose([one, urgent], NOW, None, NOW - MINUTE).send == (one, urgent)


def test_an_urgent_message_follows_another_after_five_minutes() -> None:
    one, urgent = waiting(NOW), waiting(NOW, urgent=True, key="b")
    last = NOW - MINUTE
    assert choose([one, urgent], NOW, None, last, last) == ((), (one, urgent), last + URGENT_APART)
    assert choose([one, urgent], last + URGENT_APART, None, last, last).send == (one, urgent)
    assert choose([one], last + URGENT_APART, None, last, last) == ((), (one,), last + APART)


def test_what_goes_at_once_goes_alone_in_its_time() -> None:
    now, tried_before = waiting(NOW, urgent=True), waiting(NOW + MINUTE, urgent=True, attempts=1, key="b")
    assert choose_at_once([now, tried_before], NOW) == ((now,), (), None)


@pytest.mark.parametrize("quiet", [None, NOW + timedelta(hours=5)])
def test_a_choice_among_thousands_ends(quiet: datetime | None) -> None:
    # Compared one with another, so many would outlast the time that a test has.
    crowd = [waiting(NOW, urgent=n % 2 == 0, key=f"a-{n}") for n in range(40_000)]
    choice = choose(crowd, NOW, quiet, None)
    assert (len(choice.send), len(choice.held)) == ((20_000, 20_000) if quiet else (40_000, 0))


def test_quiet_hours_hold_what_is_not_urgent_also_beside_what_is() -> None:
    one, urgent = waiting(NOW), waiting(NOW, urgent=True, key="b")
    morning = NOW + timedelta(hours=5)
    assert choose([one, urgent], NOW, morning, None) == ((urgent,), (one,), morning)
    assert choose([one], NOW, morning, None) == ((), (one,), morning)


def test_a_channel_that_refuses_is_not_tried_by_every_new_alert() -> None:
    again = NOW + timedelta(hours=4)
    new, refused = waiting(NOW), waiting(again, attempts=5, key="b")
    assert choose([new, refused], NOW, None, None) == ((), (new,), again)
    assert choose([new, refused], again, None, None).send == (new, refused)
