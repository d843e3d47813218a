"""A clock that is wrong, missing, jumping or forged; a broker that is away for days."""

from tests.micropython.bench import DAY, HOUR, MINUTE, RULE, SECOND, Pole, T, plan, step


def at_of(pole: Pole) -> object:
    """What the pole says that the time is."""
    return pole.core.report(pole.mono)["at"]


def case_without_a_clock_safety_outputs_are_on_others_off_and_only_live_orders_count() -> None:
    pole = Pole({"1": {}, "2": {"safety": True}}, clock=None, body=plan(1, [(T, 100)]))
    for _ in range(30):
        pole.wait(HOUR)
        assert (pole.now("1"), pole.now("2")) == ((0, "schedule"), (100, "safety"))
    pole.order(1, [step(T, T + MINUTE)], retained=True)
    assert pole.now() == (0, "schedule")
    pole.order(2, [step(T, T + MINUTE)])
    assert pole.now() == (100, "press")
    pole.wait(MINUTE)
    assert pole.now() == (0, "schedule")
    assert at_of(pole) is None


def case_a_clock_that_was_wrong_at_boot_is_put_right_by_the_next_message() -> None:
    for wrong in (0, T - 300 * DAY, T + 300 * DAY, 4102444800000):
        pole = Pole(clock=None, body=plan(1, [(T, 40), (T + HOUR, 70)]))
        pole.time(wrong)
        pole.wait(10 * SECOND)
        assert pole.time(T + 10 * SECOND)
        assert at_of(pole) == T + 10 * SECOND
        assert pole.now() == (40, "schedule")
        pole.wait(HOUR)
        assert pole.now() == (70, "schedule")


def case_an_order_heard_under_a_wrong_clock_still_ends() -> None:
    pole = Pole(clock=T - 300 * DAY)
    pole.order(1, [step(T, T + 10 * MINUTE)])
    assert pole.now() == (100, "press")
    pole.wait(10 * MINUTE)
    assert pole.now() == (0, "schedule")


def case_with_no_time_for_hours_the_clock_goes_on_and_the_plan_with_it() -> None:
    pole = Pole(body=plan(1, [(T, 0), (T + 5 * HOUR, 60), (T + 40 * HOUR, 0)]))
    pole.wait(5 * HOUR - 1)
    assert pole.now() == (0, "schedule")
    pole.wait(1)
    assert pole.now() == (60, "schedule")
    pole.wait(35 * HOUR)
    assert pole.now() == (0, "schedule")
    assert at_of(pole) == T + 40 * HOUR


def case_time_jumping_forward_ends_what_it_passes() -> None:
    pole = Pole(body=plan(1, [(T, 0), (T + 4 * HOUR, 70)]))
    pole.order(1, [step(T, T + HOUR)])
    pole.time(T + 2 * HOUR)
    assert pole.now() == (0, "schedule")
    pole.time(T + 4 * HOUR)
    assert pole.now() == (70, "schedule")
    assert pole.answered(), "a jump is told"


def case_time_jumping_back_lengthens_no_order_and_revives_none() -> None:
    pole = Pole(body=plan(1, [(T - HOUR, 40), (T - MINUTE, 0)]))
    pole.order(1, [step(T, T + 10 * MINUTE)])
    pole.wait(4 * MINUTE)
    pole.time(T - 30 * MINUTE)
    pole.wait(6 * MINUTE - 1)
    assert pole.now() == (100, "press")
    pole.wait(1)
    assert pole.now() == (40, "schedule")
    pole.time(T)
    assert pole.now() == (0, "schedule")


def case_time_that_jitters_back_a_little_makes_no_lamp_flicker() -> None:
    pole = Pole(body=plan(1, [(T, 100), (T + MINUTE, 0)]))
    pole.wait(MINUTE)
    pole.time(T + MINUTE - 150)
    assert pole.now() == (0, "schedule")
    assert at_of(pole) == T + MINUTE


def case_a_replayed_time_message_is_refused_also_after_a_reboot() -> None:
    pole = Pole()
    said = pole.seq
    pole.wait(HOUR)
    for stale in (said, said - 1, 0):
        assert not pole.time(T, seq=stale)
    assert at_of(pole) == T + HOUR
    pole.power_cycle()
    assert not pole.time(T, seq=said)
    assert at_of(pole) is None
    assert pole.time(T + 2 * HOUR, seq=said + 2 * HOUR)


def case_a_forged_time_message_is_refused() -> None:
    pole = Pole()
    for at in (-1, 4102444800001, 10**30, "x", None, True, 1.5):
        assert not pole.time(at)  # type: ignore[arg-type] # that is the case
    for speed in (0, -1, 0.5, 2, 3600, 3601, "1", None, True):
        assert not pole.time(T + HOUR, speed=speed)  # type: ignore[arg-type] # that is the case
    for seq in (-1, 4102444800001, "x", None, 1.5):
        pole.core.on_time(b'{"at": 1, "speed": 1, "seq": %s}' % str(seq).encode(), pole.mono)
    assert at_of(pole) == T


def case_one_message_from_the_far_future_neither_sets_the_clock_nor_deafens_the_pole() -> None:
    pole = Pole()
    pole.wait(10 * SECOND)
    genuine = pole.seq
    assert not pole.time(T + 300 * DAY, seq=4102444800000)
    assert at_of(pole) == T + 10 * SECOND
    assert pole.time(T + 10 * SECOND, seq=genuine + 10 * SECOND), "the genuine one still counts"
    pole.power_cycle()
    assert not pole.time(T + 9000 * DAY, seq=4102444800000)
    assert pole.time(T + 20 * SECOND, seq=genuine + 20 * SECOND)


def case_a_service_whose_machine_was_put_right_by_years_is_believed_when_it_goes_on() -> None:
    pole = Pole(clock=None)
    assert pole.time(T, seq=1000)
    pole.wait(10 * SECOND)
    assert not pole.time(T + 10 * SECOND, seq=T)
    pole.wait(10 * SECOND)
    assert not pole.time(T + 20 * SECOND, seq=T + 10 * SECOND), "too early to be sure"
    pole.wait(10 * SECOND)
    assert pole.time(T + 30 * SECOND, seq=T + 20 * SECOND)
    assert at_of(pole) == T + 30 * SECOND


def case_a_speed_is_taken_in_a_demo_alone() -> None:
    pole = Pole(demo=True)
    pole.time(T, speed=600)
    pole.wait(SECOND)
    assert at_of(pole) == T + 600 * SECOND


def case_a_broker_away_for_days_leaves_plan_and_then_rule() -> None:
    pole = Pole(body=plan(1, [(T, 55)], ends=T + DAY, rule=RULE))
    pole.link(False)
    pole.wait(DAY - 1)
    assert pole.now() == (55, "schedule")
    pole.wait(1)
    for day in range(1, 12):  # midnight UTC is 01:00 in the village
        seen = []
        for hours in (4, 2, 3, 8, 6, 1):
            seen.append(pole.now()[0])
            pole.wait(hours * HOUR)
        assert seen == [0, 0, 100, 0, 100, 100], (day, seen)  # 01:00, 05:00, 07:00, 10:00, 18:00, 24:00


def case_a_fail_state_rules_from_its_minutes_on_and_never_darkens_a_safety_output() -> None:
    for state, lit, safety in (("lit", 100, 100), ("dark", 0, 100), ("plan", 60, 100)):
        outputs = {"1": {}, "2": {"safety": True}}
        level = 0 if state == "lit" else 60
        body = plan(1, [(T - HOUR, level)], fail_state=state, cut_off_after_min=60, numbers=("1", "2"))
        safe = dict(body["outputs"]["1"])
        safe.update({"safety": True, "steps": [{"at": T - HOUR, "level": 100}]})
        body["outputs"]["2"] = safe
        pole = Pole(outputs, body=body)
        pole.link(False)
        pole.wait(HOUR - 1)
        assert pole.now("1")[0] == level
        pole.wait(1)
        assert pole.now("1")[0] == lit, state
        assert pole.now("2")[0] == safety
        pole.wait(10 * HOUR)  # the sun is up: `lit` lights dark windows alone
        assert pole.now("1")[0] == (0 if state == "lit" else lit)
        pole.wait(9 * HOUR)
        assert pole.now("1")[0] == lit
        pole.link(True)
        assert pole.now("1")[0] == level


def case_an_order_rules_over_a_fail_state_and_a_reboot_while_cut_off_counts_anew() -> None:
    pole = Pole(body=plan(1, [(T - HOUR, 60)], fail_state="dark"))
    pole.order(1, [step(T, T + 2 * HOUR, 80)])
    pole.link(False)
    pole.wait(HOUR)
    assert pole.now() == (80, "press")
    pole.wait(HOUR)
    assert pole.now() == (0, "failsafe")
    pole.power_cycle()
    pole.time(T + 2 * HOUR)
    assert pole.now() == (60, "schedule")
    pole.wait(HOUR)
    assert pole.now() == (0, "failsafe")
