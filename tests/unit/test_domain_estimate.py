"""The first estimate: Löwenstedt's figures come out, and what cannot be reckoned is said by field."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.estimate import BOUNDS, Estimate, Field, Never, Problem, Year, estimate, problems
from service.errors import InvalidError
from service.usecases.estimating import estimate_of, estimated, number, text_of

LOEWENSTEDT = {field: bounds.default for field, bounds in BOUNDS.items() if bounds.default is not None} | {
    Field.LAMPS: Decimal(107),
    Field.WATTS: Decimal(25),
}


def year(*figures: str) -> Year:
    return Year(*map(Decimal, figures))


def made(**changes: int | str) -> Estimate:
    return estimate(LOEWENSTEDT | {Field(name): Decimal(value) for name, value in changes.items()})


def test_loewenstedt_comes_out_as_it_was_reckoned_by_hand() -> None:
    found = made()
    assert float(found.dark.kwh) == pytest.approx(4880, rel=0.02)
    assert float(found.dark.money) == pytest.approx(1460, rel=0.02)
    assert float(found.dark.co2_kg) == pytest.approx(1800, rel=0.04)
    assert (round(found.one_press.kwh, 2), round(found.one_press.money, 2)) == (Decimal("0.54"), Decimal("0.16"))
    assert round(found.given_back_percent) == 12


def test_every_figure_by_hand() -> None:
    found = made(lamps=10, watts=100, hours=4000, dark_hours=1460, price="0.5", g_per_kwh=400, presses_per_night=4)
    assert found.before == year("4000", "2000", "1600")
    assert found.dark == year("1460", "730", "584")
    assert found.given_back == year("292", "146", "116.8")  # 365 times 4 times a fifth of an hour
    assert found.saved == year("1168", "584", "467.2")
    assert found.after == year("2832", "1416", "1132.8")
    assert found.saved_percent == Decimal("29.2")
    assert found.gain == 484
    assert found.payback_years == Decimal(1500) / 484
    assert found.balance == 10 * 484 - 1500


def test_presses_give_back_no_more_than_the_dark_hours_save() -> None:
    found = made(presses_per_night=1000, press_minutes=60)
    assert found.given_back == found.dark
    assert found.saved.kwh == 0
    assert found.given_back_percent == 100
    assert found.never is Never.NOTHING_SAVED


@pytest.mark.parametrize(
    ("changes", "never"),
    [
        ({"dark_hours": 0}, Never.NOTHING_SAVED),
        ({"price": 0}, Never.NOTHING_SAVED),
        ({"lamps": 2, "investment": 0}, Never.YEARLY_COST),
        ({"yearly_cost": 0, "dark_hours": 0}, Never.NOTHING_SAVED),
    ],
)
def test_what_never_comes_back_says_why(changes: dict[str, int | str], never: Never) -> None:
    found = made(**changes)
    assert (found.payback_years, found.never) == (None, never)
    assert "never come back" in text_of(
        estimated({Field(name): str(value) for name, value in [*LOEWENSTEDT.items(), *changes.items()]})
    )


def test_what_costs_nothing_is_paid_at_once() -> None:
    assert made(investment=0).payback_years == 0


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        (Field.LAMPS, None, Problem.MISSING),
        (Field.LAMPS, Decimal("1.5"), Problem.NOT_WHOLE),
        (Field.LAMPS, Decimal(0), Problem.OUT_OF_BOUNDS),
        (Field.WATTS, Decimal(1001), Problem.OUT_OF_BOUNDS),
        (Field.WATTS, Decimal("NaN"), Problem.NO_NUMBER),
        (Field.PRICE, Decimal("-0.01"), Problem.OUT_OF_BOUNDS),
        (Field.HOURS, Decimal("Infinity"), Problem.NO_NUMBER),
        (Field.HOURS, Decimal(1789), None),
        (Field.DARK_HOURS, Decimal(4001), Problem.MORE_THAN_HOURS),
    ],
)
def test_a_figure_that_makes_no_sense_is_named(field: Field, value: Decimal | None, problem: Problem | None) -> None:
    found = problems({**LOEWENSTEDT, field: value})
    assert found == ({Field.DARK_HOURS: Problem.MORE_THAN_HOURS} if problem is None else {field: problem})
    if value is not None:
        with pytest.raises(ValueError, match=rf"^{next(iter(found))}: "):
            estimate({**LOEWENSTEDT, field: value})


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1.790", ",", "1790"),
        ("1.790", ".", "1.790"),
        ("1,790", ".", "1790"),
        ("0,30", ",", "0.30"),
        ("0,30", ".", "0.30"),
        ("0.30", ",", "0.30"),
        ("0.300", ",", "0.300"),
        ("1.234.567,8", ",", "1234567.8"),
        ("4 000", ",", "4000"),
        ("4'000", ",", "4000"),
        ("−3", ",", "-3"),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, decimal: str, value: str) -> None:
    assert number(text, decimal) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "x", "nan", "inf", "1e3", "1.2.3", "1,2,3", "--1", "٣", "0x10", "9" * 21, "1.", ".5"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert number(text) is None
    assert number(text, ",") is None


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30), st.sampled_from([",", "."]))
def test_whatever_is_typed_is_an_estimate_or_a_problem(text: str, decimal: str) -> None:
    for field in Field:
        typed = {Field.LAMPS: "107", Field.WATTS: "25", field: text}
        outcome = estimate_of(typed, decimal)
        assert (outcome.body is None) == bool(outcome.problems)


def test_one_who_can_mend_one_thing_hears_the_first_and_the_way_out() -> None:
    with pytest.raises(InvalidError, match=r"^--lamps: give a whole number between 1 and 100000\.$"):
        estimated({Field.WATTS: "x"})
    with pytest.raises(InvalidError, match=r"^--watts: “x” is no number; give a number between 1 and 1000"):
        estimated({Field.LAMPS: "3", Field.WATTS: "x"})
    with pytest.raises(InvalidError, match=r"^--dark-hours: .* give fewer, or more hours\.$"):
        estimated({Field.LAMPS: "3", Field.WATTS: "25", Field.DARK_HOURS: "4001"})


@pytest.mark.parametrize(
    ("field", "text", "way_out"),
    [
        (Field.INVESTMENT, "1.500", "“1.500” could be 1500 or 1.5; write 1500 or 1.5."),
        (Field.INVESTMENT, "1,500", "“1,500” could be 1500 or 1.5; write 1500 or 1.5."),
        (Field.DARK_HOURS, "1.790", "“1.790” could be 1790 or 1.79; write 1790 or 1.79."),
        (Field.WATTS, "1.000", "“1.000” could be 1000 or 1; write 1000 or 1."),
        (Field.HOURS, "−4.000", "“-4.000” could be -4000 or -4; write -4000 or -4."),
        (Field.INVESTMENT, "1.234.567", "“1.234.567” groups thousands; write the number without, like 1500 or 1.5."),
        (Field.INVESTMENT, "1,500.50", "“1,500.50” groups thousands; write the number without, like 1500 or 1.5."),
    ],
)
def test_a_command_line_refuses_what_could_be_two_numbers(field: Field, text: str, way_out: str) -> None:
    with pytest.raises(InvalidError) as caught:
        estimated({Field.LAMPS: "107", Field.WATTS: "25", field: text})
    assert str(caught.value) == f"--{field.replace('_', '-')}: {way_out}"


@pytest.mark.parametrize(("text", "value"), [("25", "25"), ("25,5", "25.5"), ("25.50", "25.5"), ("0,325", "0.325")])
def test_a_command_line_takes_a_point_and_a_comma_for_the_decimal_mark(text: str, value: str) -> None:
    assert estimated({Field.LAMPS: "107", Field.WATTS: "25", Field.YEARLY_COST: text}).asked[
        Field.YEARLY_COST
    ] == Decimal(value)


def test_the_text_says_a_loss_as_a_loss_and_one_as_one() -> None:
    typed = {Field.LAMPS: "107", Field.WATTS: "25"}
    assert "after 10 years it is still a loss of 78,392.72 EUR." in text_of(
        estimated(typed | {Field.INVESTMENT: "90000"})
    )
    assert "after 1 year it is" in text_of(estimated(typed | {Field.YEARS: "1"}))
    one = text_of(estimated({Field.LAMPS: "1", Field.WATTS: "25", Field.PRESSES_PER_NIGHT: "1"}))
    assert one.startswith("1 lamp of 25 W")
    assert "1 press a night of 12 minutes gives back" in one
    assert "price of one cabinet" in text_of(estimated(typed | {Field.LAMPS: "201"}))
    assert "price of one cabinet" not in text_of(estimated(typed | {Field.LAMPS: "200"}))


def test_rounded_parts_are_those_of_the_estimate() -> None:
    body = estimated({Field.LAMPS: "107", Field.WATTS: "25"})
    assert (body.dark.kwh, body.dark.money) == (Decimal("4788.2"), Decimal("1436.48"))
    assert body.saved_percent == Decimal("39.3")
    assert body.payback_years == Decimal("1.3")
    assert body.asked == LOEWENSTEDT
