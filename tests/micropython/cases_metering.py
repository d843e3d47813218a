"""When a power that moves is told."""

from firmware_mock.core.metering import moved


def case_a_power_is_told_when_it_moved_by_more_than_five_watts_and_five_percent() -> None:
    for told, now, wanted in (
        (40.0, 40.0, False),
        (40.0, 45.0, False),
        (40.0, 45.1, True),
        (40.0, 34.9, True),
        (1000.0, 1050.0, False),
        (1000.0, 1050.1, True),
        (1000.0, 949.9, True),
        (0.0, 5.1, True),
        (0.0, 5.0, False),
        (30.0, 0.0, True),
    ):
        assert moved({"1": told}, {"1": now}) is wanted, (told, now)


def case_each_meter_counts_and_one_that_was_never_told_waits_for_the_report() -> None:
    assert moved({"1": 10.0, "2": 10.0}, {"1": 10.0, "2": 90.0})
    assert not moved({}, {"1": 500.0})
