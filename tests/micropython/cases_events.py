"""Events: what they say, how long they wait, and which of many are lost."""

from tests.micropython.bench import HOUR, MINUTE, SECOND, Pole, T

SUNRISE = T + 7 * HOUR + 10 * MINUTE
"""A little after sunrise."""


def case_a_question_that_nobody_took_is_not_asked_when_it_is_old() -> None:
    pole = Pole(clock=SUNRISE)
    pole.core.on_button("1", pole.mono)
    pole.wait(30 * SECOND)
    assert len(pole.told()) == 1
    pole.wait(1)
    assert pole.told() == []
    pole.core.on_button("1", pole.mono)
    pole.power_cycle(connected=True)
    assert pole.told() == []


def case_so_many_events_wait_and_the_oldest_go_first() -> None:
    pole = Pole(connected=False)
    for n in range(20):
        pole.core.on_signal("door", pole.mono, n % 2 == 0)
    assert [event["id"] for event in pole.told()] == [f"1-0-{n}" for n in range(5, 21)]
    assert pole.core.outbox.lost == 4


def case_the_last_word_on_a_door_outlives_presses() -> None:
    pole = Pole(connected=False)
    pole.core.on_signal("door", pole.mono, True)
    pole.core.on_signal("door", pole.mono, False)
    for _ in range(20):
        pole.core.on_button("1", pole.mono)
        pole.wait(13 * MINUTE)
    doors = [event["on"] for event in pole.told() if event["type"] == "door"]
    assert doors == [False]
    assert len(pole.told()) == 16


def case_signals_are_told_with_what_they_are_about() -> None:
    pole = Pole(connected=False)
    pole.core.next_session()
    pole.core.on_signal("door", pole.mono)
    pole.core.on_signal("local_override", pole.mono, False)
    pole.core.on_signal("fault", pole.mono, True, "lampFailure", "1")
    pole.power_cycle(connected=True)
    assert pole.tell() == [
        {"id": "1-1-1", "type": "door", "at": T, "on": True},
        {"id": "1-1-2", "type": "local_override", "at": T, "on": False},
        {"id": "1-1-3", "type": "fault", "at": T, "on": True, "code": "lampFailure", "output": 1},
    ]


def case_a_button_or_signal_that_does_not_exist_is_counted() -> None:
    pole = Pole()
    assert pole.core.on_button("2", pole.mono) is None
    for kind, code, output in (
        ("flood", None, None),
        ("fault", None, None),
        ("fault", "x", None),
        ("door", "lampFailure", None),
        ("fault", "lampFailure", "9"),
    ):
        assert pole.core.on_signal(kind, pole.mono, True, code, output) is None
    assert pole.core.bad["event"] == 6
    assert pole.told() == []
