"""Power that goes at any moment: what is read back is the state before or the state after."""

import json

from firmware_mock.core import Core
from firmware_mock.core.journal import SLOTS, Journal, JournalError, pack, unpack
from tests.micropython.bench import HOUR, MINUTE, Flash, Pole, T, plan, step


def story() -> list:  # type: ignore[type-arg] # no Any there
    """The states that a pole keeps one after the other, from its first day on."""
    pole = Pole(clock=None, body=False, connected=False)
    states = []  # type: list[dict[str, object]]

    def keep() -> None:
        state = pole.core.journal()
        state["meters"] = {"energy": {"1": 10**15 + len(states) ** 9}, "burn_ms": {"1": 7 ** len(states)}}
        states.append(json.loads(json.dumps(state)))

    keep()
    pole.core.next_session()
    keep()
    pole.link(True)
    pole.plan(plan(1, [(T - HOUR, 20)]))
    keep()
    pole.time(T)
    keep()
    pole.plan(plan(2, [(T - HOUR, n) for n in range(20)]))
    pole.order(4, [step(T, T + HOUR, 0, "lock")])
    keep()
    pole.core.on_signal("door", pole.mono)
    pole.core.next_session()
    keep()
    pole.order(5)
    pole.link(False)
    pole.core.on_button("1", pole.mono)
    keep()
    pole.plan(plan(3))
    keep()
    states.append(json.loads(json.dumps(Core(pole.config, states[-1], 0).journal())))
    return states


def torn(flash: Flash, slot: int, record: bytes, cut: int, erased: bool) -> Flash:
    """The flash after power went `cut` bytes into a record; flash that is erased first has ones after it."""
    after = Flash()
    after.slots = list(flash.slots)
    rest = b"\xff" * (len(record) - cut) if erased else flash.slots[slot][cut:]
    after.slots[slot] = record[:cut] + rest
    return after


def case_cut_at_every_byte_of_every_write_the_state_is_the_one_before_or_the_one_after() -> None:
    for erased in (False, True):
        flash, before = Flash(), None
        journal = flash.load()
        for state in story():
            assert flash.load().state == before
            records = journal.writes(state)
            for i in range(len(records)):
                slot, record = records[i]
                for cut in range(len(record) + 1):
                    found = torn(flash, slot, record, cut, erased).load().state
                    last = i == len(records) - 1 and (cut == len(record) or found == state)
                    assert found == (state if last else before), (slot, cut)
                flash.write(slot, record)
            journal.written()
            before = state
        assert flash.load().state == before


def case_after_a_cut_the_pole_starts_with_boot_and_session_not_gone_back_and_keeps_on() -> None:
    flash, before = Flash(), None
    for state in story():
        records = flash.load().writes(state)
        for slot, record in records:
            for cut in range(0, len(record), 61):
                left = torn(flash, slot, record, cut, False)
                core = Core({"outputs": {"1": {}}}, left.load().state)
                least = before or {"boot": 0, "session": 0}
                assert core.boot > least["boot"]
                assert core.next_session() > least["session"]
                left.keep(core.journal())
                assert left.load().state == json.loads(json.dumps(core.journal()))
                again = left.load().writes(state)
                for other, following in again:
                    twice = torn(left, other, following, len(following) // 2, False).load().state
                    assert twice == json.loads(json.dumps(core.journal())), "power went twice"
            flash.write(slot, record)
        before = state


def case_a_write_that_failed_is_followed_by_one_to_the_same_slot() -> None:
    flash = Flash()
    flash.keep({"boot": 1, "plan": ""})
    journal = flash.load()
    first = journal.writes({"boot": 2, "plan": "a"})
    second = journal.writes({"boot": 3, "plan": "b"})
    assert [slot for slot, _ in first] == [slot for slot, _ in second]


def case_a_record_with_any_byte_changed_is_not_whole() -> None:
    record = pack(7, b'{"boot": 1}')
    assert unpack(record) == (7, b'{"boot": 1}')
    assert unpack(record + b"what was there before") == (7, b'{"boot": 1}')
    for at in range(len(record)):
        for flip in (1, 128):
            assert unpack(record[:at] + bytes([record[at] ^ flip]) + record[at + 1 :]) is None
    assert unpack(b"") is None


def case_a_memory_in_which_all_is_broken_is_refused_and_an_empty_one_is_not() -> None:
    for empty in (b"", b"\x00" * 64, b"\xff" * 64):
        assert Journal([empty] * 4).state is None
    flash = Flash()
    for boot in (1, 2):
        flash.keep({"boot": boot, "plan": ""})
    broken = [slot[:20] + b"?" + slot[21:] for slot in flash.slots]
    for slots in (broken, [b"{", b"", b"", b""], [b"", b"{}", b"", b""]):
        try:
            Journal(slots)
        except JournalError:
            continue
        raise AssertionError(slots)


def case_the_largest_plan_and_the_fullest_state_have_room() -> None:
    outputs = {str(n): {} for n in range(1, 9)}  # type: dict[str, dict[str, int]]
    pole = Pole(outputs, body=plan(1, numbers=tuple(outputs)), clock=T)
    for n in range(30):
        pole.core.on_signal("fault", pole.mono, n % 2 == 0, "circuitBreakerTripped", str(n % 8 + 1))
    lock = [step(T, T + HOUR, 0, "lock")]
    pole.core.on_desired(
        json.dumps({"desired_n": 2147483647, "at": T, "outputs": dict.fromkeys(outputs, lock)}).encode(), False, 0
    )
    state = pole.core.journal()
    state["plan"] = "x" * 32768
    state["boot"] = state["session"] = 2147483647
    numbers = dict.fromkeys(outputs, 3600000 * 10**12)
    state["meters"] = {"energy": numbers, "burn_ms": numbers}
    records = Flash().load().writes(state)
    assert [slot for slot, _ in records] == [3, 1]
    assert len(records[1][1]) < SLOTS[1][1] * 3 // 4
    try:
        Flash().load().writes({"plan": "x" * 40000})
    except JournalError:
        return
    raise AssertionError("no room, and nobody said so")


def case_events_and_locks_that_are_no_such_thing_are_left_out() -> None:
    for odd in (None, 7, "x", [1], {"1": 2}, [{"id": 1}], {"1": ["a", 1, 2]}):
        core = Core({"outputs": {"1": {}}}, {"boot": 3, "events": odd, "locks": odd})
        assert (core.boot, core.outbox.kept()) == (4, [])
        core.on_button("1", MINUTE)
