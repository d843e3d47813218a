"""The push-button: a question to the service, and light of its own where no answer comes."""

from tests.micropython.bench import DAY, HOUR, MINUTE, RULE, SECOND, Pole, T, plan, step

SUNRISE = T + 7 * HOUR + 10 * MINUTE
"""A little after sunrise."""


def served(pole: Pole) -> list:  # type: ignore[type-arg] # no Any there
    """The events that say that the pole lit by itself."""
    return [event for event in pole.told() if event.get("served") == "local"]


def case_a_press_asks_and_waits_two_seconds() -> None:
    pole = Pole()
    event = pole.core.on_button("1", pole.mono)
    assert event == {"id": "1-0-1", "type": "button", "at": T, "output": 1}
    assert pole.told() == [event]
    pole.wait(1999)
    assert pole.now() == (0, "schedule")
    pole.wait(1)
    assert pole.now() == (100, "local")
    assert pole.answered()
    wanted = {"id": "1-0-1", "type": "button", "at": T + 2000, "output": 1, "served": "local"}
    assert pole.told() == [wanted], "what says more takes the place of the question"
    pole.wait(12 * MINUTE - 1)
    assert pole.now() == (100, "local")
    pole.wait(1)
    assert pole.now() == (0, "schedule")


def case_an_answer_with_light_or_without_is_an_answer() -> None:
    for steps in ([step(T, T + HOUR, 70)], None):
        pole = Pole()
        pole.order(4, steps)
        before = pole.now()
        pole.core.on_button("1", pole.mono)
        pole.wait(1999)
        pole.order(5, steps, at=T + 1999)
        pole.wait(MINUTE)
        assert pole.now() == before
        assert served(pole) == []


def case_neither_an_old_order_nor_a_kept_nor_a_broken_one_is_an_answer() -> None:
    pole = Pole()
    pole.order(4)
    pole.core.on_button("1", pole.mono)
    pole.order(4)
    pole.order(3)
    pole.order(9, retained=True)
    pole.core.on_desired(b'{"desired_n": 10, "at": 0}', False, pole.mono)
    pole.wait(2000)
    assert pole.now() == (100, "local")
    assert len(served(pole)) == 1


def case_an_answer_to_a_press_before_is_none_to_the_next() -> None:
    pole = Pole()
    pole.core.on_button("1", pole.mono)
    pole.wait(100)
    pole.order(1)
    pole.core.on_button("1", pole.mono)
    pole.wait(2000)
    assert pole.now() == (100, "local")
    assert [event["id"] for event in served(pole)] == ["1-0-2"]


def case_while_a_press_waits_another_one_is_the_same() -> None:
    pole = Pole()
    assert pole.core.on_button("1", pole.mono) is not None
    pole.wait(500)
    assert pole.core.on_button("1", pole.mono) is None
    pole.wait(1500)
    assert len(served(pole)) == 1


def case_without_a_broker_it_lights_at_once_and_tells_later_even_after_a_reboot() -> None:
    pole = Pole()
    pole.link(False)
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (100, "local")
    pole.wait(20 * MINUTE)
    pole.power_cycle(connected=True)
    assert pole.now() == (0, "schedule")
    told = pole.tell()
    assert told == [{"id": "1-0-1", "type": "button", "at": T, "output": 1, "served": "local"}]
    pole.time(T + 20 * MINUTE)
    pole.wait(6 * SECOND)
    pole.time(T + 21 * MINUTE)
    pole.power_cycle(connected=True)
    assert pole.told() == [], "what the service has is forgotten"
    pole.link(False)
    event = pole.core.on_button("1", pole.mono)
    assert event is not None
    assert event["id"] != told[0]["id"]


def case_a_broker_that_goes_while_the_press_waits_is_no_answer() -> None:
    pole = Pole()
    pole.core.on_button("1", pole.mono)
    pole.wait(100)
    pole.link(False)
    assert pole.now() == (100, "local")
    pole.link(True)
    pole.order(1, retained=True)
    assert pole.now() == (100, "local")
    assert len(pole.told()) == 1
    assert len(served(pole)) == 1


def case_pressing_again_while_lit_locally_gives_minutes_from_now() -> None:
    pole = Pole(connected=False)
    pole.core.on_button("1", pole.mono)
    pole.wait(10 * MINUTE)
    pole.core.on_button("1", pole.mono)
    pole.wait(12 * MINUTE - 1)
    assert pole.now() == (100, "local")
    pole.wait(1)
    assert pole.now() == (0, "schedule")
    assert len(served(pole)) == 2


def case_the_press_lights_what_the_plan_allows_and_no_more() -> None:
    limits = [{"at": T, "level": 0}, {"at": T + HOUR, "level": 40}, {"at": T + 2 * HOUR, "level": 90}]
    body = plan(1, local=limits, local_press={"minutes": 90, "level": 60})
    pole = Pole(body=body, connected=False)
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (0, "schedule")
    assert pole.told() == []
    pole.wait(HOUR)
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (40, "local")
    pole.wait(HOUR)
    assert pole.now() == (60, "local")
    pole.wait(30 * MINUTE)
    assert pole.now() == (0, "schedule")
    relay = Pole({"1": {"step": 100}}, body=body, connected=False, clock=T + HOUR)
    relay.core.on_button("1", relay.mono)
    assert relay.now() == (0, "schedule"), "a relay cannot give 40"


def case_before_the_first_limit_and_after_the_plan_the_press_rules() -> None:
    limits = [{"at": T + HOUR, "level": 20}]
    pole = Pole(body=plan(1, local=limits, ends=T + 2 * HOUR, local_press={"minutes": 5, "level": 60}), connected=False)
    for level in (60, 20, 60):
        pole.core.on_button("1", pole.mono)
        assert pole.now() == (level, "local")
        pole.wait(HOUR)


def case_by_day_it_lights_nothing_and_light_ends_at_sunrise() -> None:
    pole = Pole(clock=SUNRISE, connected=False)
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (0, "schedule")
    assert pole.told() == []
    pole = Pole(clock=SUNRISE - 30 * MINUTE, connected=False, body=plan(1, local_press={"minutes": 240, "level": 100}))
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (100, "local")
    pole.wait(30 * MINUTE)
    assert pole.now() == (0, "schedule")


def case_without_a_clock_it_lights_and_without_a_plan_it_does_not() -> None:
    pole = Pole(clock=None, connected=False)
    event = pole.core.on_button("1", pole.mono)
    assert event is not None
    assert event["at"] is None
    assert pole.now() == (100, "local")
    for limits, level in (([0, 0], 0), ([0, 30], 30)):
        body = plan(1, local=[{"at": T + i, "level": limits[i]} for i in range(2)])
        pole = Pole(clock=None, connected=False, body=body)
        pole.core.on_button("1", pole.mono)
        assert pole.now()[0] == level
    bare = Pole(body=False, connected=False)
    bare.core.on_button("1", bare.mono)
    assert bare.now() == (0, "schedule")
    other = Pole({"1": {}, "2": {}}, connected=False)
    other.core.on_button("2", other.mono)
    assert other.now("2") == (0, "schedule")
    short = Pole(body=plan(1, local_press={"minutes": 0, "level": 100}), connected=False)
    short.core.on_button("1", short.mono)
    assert short.now() == (0, "schedule")
    assert bare.told() + other.told() + short.told() == []


def case_never_against_a_lock_not_even_after_a_reboot_without_a_broker() -> None:
    pole = Pole()
    pole.order(1, [step(T, T + 2 * HOUR, 0, "lock")])
    pole.core.on_button("1", pole.mono)
    pole.wait(3000)
    assert pole.now() == (0, "lock")
    assert served(pole) == []
    pole.link(False)
    pole.wait(HOUR)
    pole.power_cycle()
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (0, "schedule")
    pole.time(T + 2 * HOUR - 1)
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (0, "schedule")
    pole.wait(1)
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (100, "local")


def case_a_lock_puts_out_local_light() -> None:
    pole = Pole(connected=False)
    pole.core.on_button("1", pole.mono)
    pole.link(True)
    pole.order(1, [step(T, T + HOUR, 0, "lock")])
    assert pole.now() == (0, "lock")


def case_a_kept_lock_bars_the_button_while_nobody_knows_the_time() -> None:
    pole = Pole(clock=None)
    pole.order(1, [step(T, T + HOUR, 0, "lock")], retained=True)
    pole.link(False)
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (0, "schedule")
    pole.wait(HOUR)
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (100, "local"), "no lock lasts longer than it was given for"


def case_an_order_without_the_lock_frees_the_button() -> None:
    pole = Pole()
    pole.order(1, [step(T, T + HOUR, 0, "lock")])
    pole.order(2)
    pole.link(False)
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (100, "local")


def case_local_light_and_orders_merge_by_the_highest() -> None:
    pole = Pole(body=plan(1, local_press={"minutes": 12, "level": 50}), connected=False)
    pole.core.on_button("1", pole.mono)
    pole.link(True)
    pole.order(1, [step(T, T + MINUTE, 80)])
    assert pole.now() == (80, "press")
    pole.order(2, [step(T, T + MINUTE, 50)])
    assert pole.now() == (50, "press")
    pole.wait(MINUTE)
    assert pole.now() == (50, "local")


def case_local_light_lasts_its_minutes_through_jumps_of_the_clock() -> None:
    pole = Pole(connected=False)
    pole.core.on_button("1", pole.mono)
    pole.wait(6 * MINUTE)
    pole.time(T + HOUR)
    pole.time(T - HOUR)
    assert pole.now() == (100, "local")
    pole.wait(6 * MINUTE)
    assert pole.now() == (0, "schedule")


def case_days_without_a_broker_the_rule_and_the_button_go_on() -> None:
    pole = Pole(body=plan(1, [(T, 0)], ends=T + DAY, rule=RULE), connected=False)
    pole.wait(4 * DAY)
    assert pole.now() == (0, "schedule")
    pole.core.on_button("1", pole.mono)
    assert pole.now() == (100, "local")


def case_in_a_demo_the_answer_has_two_real_seconds_and_the_light_its_own_minutes() -> None:
    pole = Pole(demo=True)
    pole.time(T, speed=60)
    pole.core.on_button("1", pole.mono)
    pole.wait(1999)
    assert pole.now() == (0, "schedule")
    pole.wait(1)
    assert pole.now() == (100, "local")
    pole.wait(12 * SECOND)
    assert pole.now() == (0, "schedule")


def case_what_the_service_missed_is_told_again_when_it_is_back() -> None:
    pole = Pole(connected=False)
    pole.core.on_button("1", pole.mono)
    pole.link(True)
    [first] = pole.tell()
    assert first["served"] == "local"
    assert pole.told() == []
    pole.wait(HOUR)  # the broker has it, and no service is there
    pole.plan(plan(2))
    [again] = pole.tell()
    assert again == first


def case_what_the_service_has_is_told_once() -> None:
    pole = Pole(connected=False)
    pole.core.on_button("1", pole.mono)
    pole.link(True)
    pole.tell()
    pole.time(T + SECOND)
    pole.wait(4999)
    pole.time(T + 6 * SECOND)
    assert pole.core.outbox.kept() != []
    pole.wait(1)
    pole.time(T + 16 * SECOND)
    assert pole.core.outbox.kept() == []
    pole.plan(plan(2))
    assert pole.told() == []


def case_a_service_that_came_back_and_told_the_time_first_is_told_again() -> None:
    pole = Pole(connected=False)
    pole.core.on_signal("door", pole.mono)
    pole.link(True)
    [first] = pole.tell()
    pole.wait(HOUR)
    pole.time(T + HOUR)
    pole.wait(200)
    pole.plan(plan(2))
    assert pole.tell() == [first]


def case_what_waits_for_the_service_survives_power_off() -> None:
    pole = Pole(connected=False)
    pole.core.on_signal("door", pole.mono)
    pole.link(True)
    [first] = pole.tell()
    pole.power_cycle()
    pole.link(True)
    assert pole.tell() == [first]
