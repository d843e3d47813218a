"""The firmware's decoder and the contract's schemas agree on what is a message."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_mock.core import decode
from tests.support.poles import validator

EXAMPLES = Path(__file__).parents[2] / "broker" / "examples"
READERS = {"plan": decode.plan, "desired": decode.desired, "time": decode.time, "status": decode.status}


def examples(folder: str) -> list[Path]:
    return sorted(path for path in (EXAMPLES / folder).glob("*.json") if path.stem.split("-")[0] in READERS)


def accepts(kind: str, payload: bytes) -> bool:
    try:
        READERS[kind](payload)
    except decode.MessageError:
        return False
    return True


@pytest.mark.parametrize("path", examples("good"), ids=lambda path: path.stem)
def test_every_good_example_is_accepted(path: Path) -> None:
    assert accepts(path.stem.split("-")[0], path.read_bytes())


@pytest.mark.parametrize("path", examples("bad"), ids=lambda path: path.stem)
def test_every_bad_example_is_refused(path: Path) -> None:
    assert not accepts(path.stem.split("-")[0], path.read_bytes())


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff\xfe", b"[" * 30_000, b"1" * 5_000, b"null", b"[]", b"{", b'{"desired_n": 1}', b" " * 40_000],
)
@pytest.mark.parametrize("kind", READERS)
def test_what_is_no_message_is_refused_and_never_raises_anything_else(kind: str, payload: bytes) -> None:
    assert not accepts(kind, payload)


def test_an_order_for_more_than_a_day_is_refused() -> None:
    body = json.loads((EXAMPLES / "good" / "desired-press.json").read_text("utf-8"))
    body["outputs"]["1"][0]["until"] = body["at"] + decode.MAX_AHEAD
    assert accepts("desired", json.dumps(body).encode())
    body["outputs"]["1"][0]["until"] += 1
    assert not accepts("desired", json.dumps(body).encode())


def test_a_time_zone_that_nobody_can_read_makes_a_plan_invalid() -> None:
    body = json.loads((EXAMPLES / "good" / "plan-cabinet.json").read_text("utf-8"))
    for tz in ("Europe/Berlin", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET", "<+03-3"):
        assert not accepts("plan", json.dumps(body | {"tz": tz}).encode()), tz


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(leaf for name, item in inside for leaf in leaves(item, (*path, name)))]


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 1, 9, 101, 1.5, 24.0, "", "x", "24:00", "09:60", "lock", [], {}, 10**13, 10**17]
)
GOOD = [(path.stem.split("-")[0], json.loads(path.read_text("utf-8"))) for path in examples("good")]


@given(st.data())
def test_a_message_with_one_odd_value_is_judged_as_the_schema_judges_it(data: st.DataObject) -> None:
    kind, body = data.draw(st.sampled_from(GOOD))
    body = json.loads(json.dumps(body))
    path = data.draw(st.sampled_from(leaves(body)[1:]))
    holder = body
    for name in path[:-1]:
        holder = holder[name]
    if isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[path[-1]]
    else:
        holder[path[-1]] = data.draw(ODD)
    told = accepts(kind, json.dumps(body).encode())
    by_schema = validator(kind).is_valid(body)
    if told:
        assert by_schema, f"{kind} accepted: {path}"
    elif by_schema:  # beyond the schema: whole numbers written as 24.0, orders of more than a day, odd time zones
        beyond = (
            {"tz"} & set(path) or holder[path[-1]] == 24.0 if path[-1] in holder or isinstance(holder, list) else False
        )
        assert beyond or path[-1] in ("until", "at"), f"{kind} refused: {path}"
