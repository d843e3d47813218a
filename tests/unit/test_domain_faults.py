"""A fault opens once when its evidence lasts, closes when it is gone for longer, and remembers who did what."""

import itertools
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.domain.fault_life import (
    LONGEST_CLOSE,
    PATIENCE,
    RETURNS_WITHIN,
    SHORTEST_OUTAGE,
    Changes,
    acknowledge,
    advance,
    close,
    note,
    outage,
    service_outage,
)
from service.domain.faults import MOST_ENTRIES, Detail, Fault, Finding, Subject
from service.domain.health_evidence import Matter
from service.domain.words import FaultKind, FaultState, FaultStep
from tests.unit.villages import utc

START = utc("2026-11-20T22:00")
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
LAMP = Matter(Subject("lamp-01", 1), FaultKind.LAMP_FAILURE)
SILENCE = Matter(Subject("lamp-01"), FaultKind.COMMUNICATION_FAILURE)
BROKER = Matter(Subject(), FaultKind.BROKER_OUTAGE)
OPEN, CLOSED = FaultState.OPEN, FaultState.CLOSED


class Book:
    """A store of faults in a dictionary, and a clock that is turned by hand."""

    def __init__(self, speed: float = 1.0) -> None:
        self.faults: dict[str, Fault] = {}
        self.now = START
        self.speed = speed
        self.told: list[str] = []
        self._ids = map(str, itertools.count(1))

    def new_id(self) -> str:
        return next(self._ids)

    def known(self) -> list[Fault]:
        return list(self.faults.values())

    def keep(self, changes: Changes) -> Changes:
        for fault in changes.deleted:
            assert fault.state is FaultState.SUSPECTED
            del self.faults[fault.id]
        self.faults |= {fault.id: fault for fault in changes.saved}
        for name in ("opened", "reopened", "closed"):
            for fault in getattr(changes, name):
                assert fault in changes.saved
                self.told.append(name)
        return changes

    def see(
        self, *found: Matter, sound: Iterable[Matter] = (), after: timedelta = timedelta(0), **detail: float
    ) -> Changes:
        self.now += after
        findings = [Finding(*matter, detail) for matter in found]
        right = set(sound) - set(found)
        return self.keep(advance(self.known(), findings, "dorf", self.now, self.speed, self.new_id, sound=right))

    def away(self, since: datetime, after: timedelta = timedelta(0)) -> Changes:
        self.now += after
        return self.keep(outage(self.known(), since, "dorf", self.now, self.speed, self.new_id))

    def by_hand(self, do: Callable[[Fault, str, datetime, str], Fault], fault: Fault, text: str = "") -> Fault:
        self.faults[fault.id] = done = do(fault, "the technician", self.now, text)
        return done

    def only(self, matter: Matter = LAMP) -> Fault:
        (fault,) = (f for f in self.known() if (f.subject, f.kind) == matter)
        return fault

    def opened(self, matter: Matter = LAMP) -> Fault:
        """Let a matter's fault open."""
        self.see(matter)
        self.see(matter, after=PATIENCE[matter.kind].opens * self.speed)
        return self.only(matter)


def steps(fault: Fault) -> list[FaultStep]:
    return [entry.step for entry in fault.history]


def test_there_is_patience_with_every_kind() -> None:
    assert PATIENCE.keys() == set(FaultKind)
    assert all(patience.closes >= patience.opens for patience in PATIENCE.values())


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind is not FaultKind.SERVICE_OUTAGE])
def test_each_kind_opens_when_its_evidence_has_lasted(kind: FaultKind) -> None:
    book, matter = Book(), Matter(Subject("cabinet-1"), kind)
    book.see(matter)
    assert book.only(matter).state is FaultState.SUSPECTED
    book.see(matter, after=PATIENCE[kind].opens - SECOND)
    assert book.told == []
    book.see(matter, after=SECOND)
    fault = book.only(matter)
    assert (fault.state, fault.since, fault.opened_at) == (OPEN, START, book.now)
    assert book.told == ["opened"]


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind is not FaultKind.SERVICE_OUTAGE])
def test_each_kind_closes_by_itself_when_it_has_been_sound_for_longer(kind: FaultKind) -> None:
    book, matter = Book(), Matter(Subject("cabinet-1"), kind)
    book.opened(matter)
    book.see(sound=[matter], after=MINUTE)
    book.see(sound=[matter], after=PATIENCE[kind].closes - SECOND)
    assert book.only(matter).state is OPEN
    book.see(sound=[matter], after=SECOND)
    assert book.only(matter).state is CLOSED
    assert book.only(matter).history[-1].by is None
    assert book.told == ["opened", "closed"]


@pytest.mark.parametrize("kind", list(FaultKind))
def test_what_waits_for_messages_waits_in_real_time(kind: FaultKind) -> None:
    if kind is FaultKind.SERVICE_OUTAGE:
        return
    book, matter = Book(speed=60.0), Matter(Subject("cabinet-1"), kind)
    book.see(matter)
    book.see(matter, after=PATIENCE[kind].opens)
    assert (book.only(matter).state is OPEN) == (not PATIENCE[kind].real)


def test_it_is_opened_once_however_often_it_is_seen() -> None:
    book = Book()
    for _ in range(100):
        book.see(LAMP, after=MINUTE)
    assert book.told == ["opened"]
    assert len(book.faults) == 1


def test_what_changes_nothing_is_not_written() -> None:
    book = Book()
    book.opened()
    assert book.see(LAMP, after=MINUTE) == Changes()
    assert book.see(after=MINUTE) == Changes()
    assert book.see(LAMP, after=MINUTE, watts=100.0).saved
    assert book.see(LAMP, after=MINUTE, watts=101.0) == Changes()
    assert book.see(LAMP, after=MINUTE, watts=110.0).saved[0].detail == {"watts": 110.0}


def test_a_suspicion_is_forgotten_when_it_was_wrong() -> None:
    book = Book()
    book.see(LAMP)
    assert [f.id for f in book.see(sound=[LAMP], after=MINUTE).deleted] == ["1"]
    book.see(LAMP, after=MINUTE)
    book.see(LAMP, after=MINUTE)
    assert book.told == []


def test_a_lamp_is_judged_while_it_is_lit_and_stays_what_it_was_while_it_is_dark() -> None:
    book = Book()
    book.see(LAMP)
    book.see(after=MINUTE)  # dark: suspected still
    book.see(LAMP, after=DAY)
    assert book.told == ["opened"]
    book.see(after=3 * DAY)
    assert book.only().state is OPEN
    book.see(sound=[LAMP], after=DAY)
    book.see(after=DAY)
    assert book.only().state is OPEN
    book.see(sound=[LAMP], after=MINUTE)
    assert book.told == ["opened", "closed"]


def test_a_silence_that_is_not_judged_begins_anew() -> None:
    book = Book()
    book.see(SILENCE)
    book.see(after=4 * MINUTE)  # its feeder went off
    assert book.known() == []
    book.see(SILENCE, after=DAY)
    book.see(SILENCE, after=4 * MINUTE)
    assert book.told == []


def test_evidence_that_flaps_faster_than_it_closes_is_one_fault() -> None:
    book = Book()
    book.opened()
    for _ in range(50):
        book.see(sound=[LAMP], after=MINUTE)
        book.see(sound=[LAMP], after=8 * MINUTE)
        book.see(LAMP, after=MINUTE)
    assert book.told == ["opened"]
    assert book.only().gone_since is None


def test_evidence_that_flaps_slowly_closes_later_and_later() -> None:
    book = Book()
    book.opened()
    for _ in range(144):  # two days, 16 minutes gone and 4 minutes there
        book.see(sound=[LAMP], after=MINUTE)
        book.see(sound=[LAMP], after=15 * MINUTE)
        book.see(LAMP, after=SECOND)
        book.see(LAMP, after=4 * MINUTE - SECOND)
    assert book.told.count("reopened") <= 3
    book.see(sound=[LAMP], after=MINUTE)
    book.see(sound=[LAMP], after=LONGEST_CLOSE)
    assert book.only().state is CLOSED


# people


def test_acknowledged_closed_and_noted_with_who_and_when() -> None:
    book = Book()
    fault = book.by_hand(acknowledge, book.opened(), "ladder is on its way")
    assert fault.state is FaultState.ACKNOWLEDGED
    book.now += MINUTE
    fault = book.by_hand(note, fault, "driver ordered")
    assert fault.state is FaultState.ACKNOWLEDGED
    book.now += MINUTE
    fault = book.by_hand(close, fault, "driver replaced")
    assert fault.state is CLOSED
    fault = book.by_hand(note, fault, "paid")
    assert [(e.step, e.by, e.text) for e in fault.history[1:]] == [
        (FaultStep.ACKNOWLEDGED, "the technician", "ladder is on its way"),
        (FaultStep.NOTED, "the technician", "driver ordered"),
        (FaultStep.CLOSED, "the technician", "driver replaced"),
        (FaultStep.NOTED, "the technician", "paid"),
    ]
    assert [e.at for e in fault.history] == sorted(e.at for e in fault.history)


def test_an_acknowledged_fault_closes_by_itself_too() -> None:
    book = Book()
    book.by_hand(acknowledge, book.opened())
    book.see(sound=[LAMP], after=MINUTE)
    book.see(sound=[LAMP], after=10 * MINUTE)
    assert book.only().state is CLOSED


def test_what_makes_no_sense_is_refused_with_the_way_out() -> None:
    book = Book()
    book.see(LAMP)
    suspected = book.only()
    opened = book.opened()
    acknowledged = acknowledge(opened, "the clerk", book.now)
    closed = close(opened, "the clerk", book.now)
    for do, fault, words in [
        (acknowledge, suspected, "only suspected; wait"),
        (close, suspected, "only suspected; wait"),
        (note, suspected, "only suspected; wait"),
        (acknowledge, acknowledged, "acknowledged already; add a note, or close it"),
        (acknowledge, closed, "opens again by itself"),
        (close, closed, "closed already; add a note"),
    ]:
        with pytest.raises(ValueError, match=words):
            do(fault, "the clerk", book.now, "words")
        with pytest.raises(ValueError, match="by: say who"):
            do(fault, " ", book.now, "words")
    with pytest.raises(ValueError, match="text: a note needs words"):
        note(opened, "the clerk", book.now, "  ")


def test_closed_while_its_evidence_stands_it_opens_again() -> None:
    book = Book()
    first = book.by_hand(close, book.opened())
    book.see(LAMP, after=SECOND)
    assert {f.state for f in book.known()} == {CLOSED, FaultState.SUSPECTED}
    seen = book.now
    book.see(LAMP, after=2 * MINUTE)
    fault = book.only()
    assert (fault.id, fault.state, fault.since, fault.opened_at) == (first.id, OPEN, seen, book.now)
    assert steps(fault) == [FaultStep.OPENED, FaultStep.CLOSED, FaultStep.REOPENED]
    assert book.told == ["opened", "reopened"]


@pytest.mark.parametrize(("later", "same"), [(RETURNS_WITHIN - 2 * MINUTE, True), (RETURNS_WITHIN, False)])
def test_a_fault_that_returns_within_30_days_is_the_same(later: timedelta, same: bool) -> None:
    book = Book()
    first = book.by_hand(close, book.opened())
    book.see(LAMP, after=later)
    book.see(LAMP, after=2 * MINUTE)
    (fault,) = (f for f in book.known() if f.state is OPEN)
    assert (fault.id == first.id) == same
    assert book.told == ["opened", "reopened" if same else "opened"]


def test_a_note_on_a_closed_fault_does_not_make_it_younger() -> None:
    book = Book()
    fault = book.by_hand(close, book.opened())
    book.now += RETURNS_WITHIN
    book.by_hand(note, fault, "invoice")
    book.see(LAMP)
    book.see(LAMP, after=2 * MINUTE)
    assert book.told == ["opened", "opened"]


def test_faults_of_others_are_not_touched() -> None:
    book = Book()
    other = Matter(Subject("lamp-02", 1), FaultKind.LAMP_FAILURE)
    book.opened(other)
    before = book.only(other)
    book.by_hand(close, book.opened())
    book.see(LAMP, after=MINUTE)
    book.see(LAMP, after=2 * MINUTE)
    assert book.only(other) == before


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    book = Book()
    book.see(LAMP)
    book.see(LAMP, after=-DAY)
    book.see(LAMP, after=2 * MINUTE)
    assert book.told == ["opened"]
    book.see(sound=[LAMP], after=MINUTE)
    book.see(sound=[LAMP], after=-DAY)
    book.see(sound=[LAMP], after=10 * MINUTE)
    assert book.told == ["opened", "closed"]
    times = [entry.at for entry in book.only().history]
    assert times == sorted(times)


def test_a_history_keeps_its_first_entry_and_what_people_wrote() -> None:
    book = Book()
    fault = book.by_hand(note, book.opened(), "the words")
    for _ in range(MOST_ENTRIES):
        book.by_hand(close, book.only())
        book.see(LAMP, after=SECOND)
        book.see(LAMP, after=2 * MINUTE)
    kept = book.only().history
    assert kept[:2] == fault.history
    assert kept[-1].step is FaultStep.REOPENED
    # Beyond the limit only people's own words make it longer.
    assert sum(entry.by is None for entry in kept) <= MOST_ENTRIES


# outages


def test_a_broker_outage_is_one_fault_and_nothing_else_is_judged() -> None:
    book = Book()
    silent = [Matter(Subject(f"lamp-{n:02}"), FaultKind.COMMUNICATION_FAILURE) for n in range(85)]
    opened = book.opened()
    book.see(LAMP, *silent, after=MINUTE)
    gone = book.now
    book.away(gone, 30 * SECOND)
    assert book.told == ["opened"]
    book.away(gone, 30 * SECOND)
    assert book.only(BROKER).state is OPEN
    assert book.only(BROKER).since == gone
    for _ in range(60):
        book.away(gone, MINUTE)
    assert book.told == ["opened", "opened"]
    assert {f.id: f for f in book.known()}[opened.id] == opened
    assert len(book.faults) == 2
    # It is back; silence counts from now on.
    book.see(LAMP, *silent, after=SECOND)
    book.see(LAMP, *silent, after=4 * MINUTE)
    assert book.only(BROKER).state is CLOSED
    assert book.told == ["opened", "opened", "closed"]
    book.see(LAMP, *silent, after=MINUTE)
    assert book.told.count("opened") == 2 + 85


def test_a_short_loss_of_the_broker_is_no_fault() -> None:
    book = Book()
    gone = book.now
    book.away(gone, 59 * SECOND)
    book.see(after=SECOND)
    assert book.known() == []


def test_a_broker_that_comes_and_goes_is_one_fault() -> None:
    book = Book()
    for _ in range(20):
        book.away(book.now)
        book.away(book.now, MINUTE)
        book.see(after=MINUTE)
    assert book.told == ["opened"]


def test_soundness_does_not_count_through_an_outage() -> None:
    book = Book()
    book.opened(SILENCE)
    book.see(sound=[SILENCE], after=MINUTE)
    book.away(book.now, MINUTE)
    book.see(sound=[SILENCE], after=20 * MINUTE)
    assert book.only(SILENCE).state is OPEN
    book.see(sound=[SILENCE], after=10 * MINUTE)
    assert book.only(SILENCE).state is CLOSED


def test_the_services_own_outage_is_one_fault_that_is_over() -> None:
    book = Book()
    book.opened()
    book.see(LAMP, SILENCE, after=MINUTE)
    gone = book.now
    book.now += 3 * DAY
    changes = book.keep(service_outage(book.known(), gone, "dorf", book.now, 1.0, book.new_id))
    (fault,) = changes.opened
    assert changes.closed == ()
    assert (fault.subject, fault.kind, fault.state) == (Subject(), FaultKind.SERVICE_OUTAGE, CLOSED)
    detail: Detail = {"from": gone.isoformat(), "until": book.now.isoformat()}
    assert (fault.since, fault.detail, steps(fault)) == (gone, detail, [FaultStep.OPENED, FaultStep.CLOSED])
    assert book.only().state is OPEN
    book.see(LAMP, SILENCE, after=SECOND)
    assert book.told == ["opened", "opened"]  # nobody is silent for what nobody heard


@pytest.mark.parametrize(
    ("gap", "speed", "one"), [(SHORTEST_OUTAGE, 1, True), (4 * MINUTE, 1, False), (60 * MINUTE, 60, False)]
)
def test_a_restart_is_no_outage(gap: timedelta, speed: float, one: bool) -> None:
    changes = service_outage([], START - gap, "dorf", START, speed, lambda: "1")
    assert bool(changes.opened) == bool(changes.saved) == one


def test_two_outages_of_the_service_are_two_faults() -> None:
    book = Book()
    for _ in range(2):
        book.now += DAY
        book.keep(service_outage(book.known(), book.now - MINUTE * 30, "dorf", book.now, 1.0, book.new_id))
    assert len(book.faults) == 2


# all together


MATTERS = (
    LAMP,
    SILENCE,
    Matter(Subject("lamp-01", 1), FaultKind.CYCLING_FAILURE),
    Matter(Subject("lamp-02", 1), FaultKind.LAMP_FAILURE),
)


class FaultMachine(RuleBasedStateMachine):
    """Evidence, people and outages in any order."""

    @initialize(speed=st.sampled_from([1.0, 60.0]))
    def begin(self, speed: float) -> None:
        self.book = Book(speed)

    @rule(
        after=st.integers(0, 40),
        found=st.sets(st.sampled_from(MATTERS)),
        sound=st.sets(st.sampled_from(MATTERS)),
    )
    def look(self, after: int, found: set[Matter], sound: set[Matter]) -> None:
        changes = self.book.see(*found, sound=sound, after=MINUTE * after)
        assert all(f.gone_since is None for f in self.book.known() if f.state is OPEN and (f.subject, f.kind) in found)
        assert not {f.id for f in changes.saved} & {f.id for f in changes.deleted}
        assert all((f.subject, f.kind) in sound or f.kind is FaultKind.BROKER_OUTAGE for f in changes.closed)

    @rule(after=st.integers(0, 40))
    def lose_the_broker(self, after: int) -> None:
        before = {f.id: f.state for f in self.book.known() if f.state is not FaultState.SUSPECTED}
        self.book.away(self.book.now, MINUTE * after)
        states = {f.id: f.state for f in self.book.known() if f.kind is not FaultKind.BROKER_OUTAGE}
        assert all(states.get(id_, state) == state for id_, state in before.items())

    @rule(gap=st.integers(0, 600))
    def lose_the_service(self, gap: int) -> None:
        since, self.book.now = self.book.now, self.book.now + MINUTE * gap
        self.book.keep(
            service_outage(self.book.known(), since, "dorf", self.book.now, self.book.speed, self.book.new_id)
        )

    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        self.book.now += DAY * days

    @rule(data=st.data(), do=st.sampled_from([acknowledge, close]))
    def act(self, data: st.DataObject, do: Callable[[Fault, str, datetime, str], Fault]) -> None:
        allowed = {OPEN} if do is acknowledge else {OPEN, FaultState.ACKNOWLEDGED}
        for fault in self.book.known()[: data.draw(st.integers(0, 3))]:
            if fault.state in allowed:
                self.book.by_hand(do, fault)
            else:
                with pytest.raises(ValueError, match="fault"):
                    do(fault, "the clerk", self.book.now, "")

    @invariant()
    def at_most_one_stands_for_a_matter(self) -> None:
        standing = [(f.subject, f.kind) for f in self.book.known() if f.state is not CLOSED]
        assert len(standing) == len(set(standing))

    @invariant()
    def histories_are_in_order_and_make_sense(self) -> None:
        for fault in self.book.known():
            assert [e.at for e in fault.history] == sorted(e.at for e in fault.history)
            lasting = [e.step for e in fault.history if e.step is not FaultStep.NOTED]
            if fault.state is FaultState.SUSPECTED:
                assert lasting == []
                continue
            assert lasting[0] is FaultStep.OPENED
            for before, after in itertools.pairwise(lasting):
                assert (after is FaultStep.REOPENED) == (before is FaultStep.CLOSED)
            ends = {OPEN: {FaultStep.OPENED, FaultStep.REOPENED}, CLOSED: {FaultStep.CLOSED}}
            assert lasting[-1] in ends.get(fault.state, {FaultStep.ACKNOWLEDGED})


TestFaultMachine = FaultMachine.TestCase
TestFaultMachine.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
