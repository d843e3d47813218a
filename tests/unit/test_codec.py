"""The service's codec holds to the contract: it reads every good example, refuses every bad one, and what it
writes is valid."""

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from firmware_mock.core import decode as firmware
from service.domain.inventory import ControllerKey
from service.domain.orders import OrderStep
from service.domain.reports import Counters, Event, Report, Status
from service.domain.schedule import Anchor, Step
from service.domain.sun import Place, night_of
from service.domain.words import Cause, EventKind, FailState, FaultKind
from service.ports import OutputPlan, Plan, PlanStep
from service.usecases.conduct import plan_of
from service.wire.codec import (
    MAX_PAYLOAD,
    DecodeError,
    milliseconds,
    moment,
    posix_tz,
    write_desired,
    write_plan,
    write_time,
)
from service.wire.lamps import decode
from tests.unit.villages import leck

BROKER = Path(__file__).parents[2] / "broker"
NOW = datetime(2026, 11, 22, 0, 12, 30, 123_000, tzinfo=UTC)
KEY = ControllerKey("leck", "cabinet-1")


def examples(kind: str) -> list[Path]:
    return [
        path for leaf in ("report", "status", "event") for path in sorted((BROKER / "examples" / kind).glob(f"{leaf}*"))
    ]


def valid(name: str, payload: bytes) -> None:
    schema: dict[str, Any] = json.loads((BROKER / "schema" / f"{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(payload))


def topic(path: Path) -> str:
    return f"dorflicht/v1/leck/cabinet-1/{path.stem.split('-')[0]}"


@pytest.mark.parametrize("path", examples("good"), ids=lambda path: path.stem)
def test_good_examples_are_read(path: Path) -> None:
    read = decode(topic(path), path.read_bytes(), retained=False)
    assert isinstance(read, Report | Status | Event)
    assert read.controller == KEY


@pytest.mark.parametrize("path", examples("bad"), ids=lambda path: path.stem)
def test_bad_examples_are_refused(path: Path) -> None:
    with pytest.raises(DecodeError):
        decode(topic(path), path.read_bytes(), retained=False)


def test_a_report_keeps_its_values() -> None:
    report = decode(
        "dorflicht/v1/leck/cabinet-1/report",
        (BROKER / "examples/good/report-cabinet.json").read_bytes(),
        retained=True,
    )
    assert isinstance(report, Report)
    assert (report.boot, report.seq, report.session, report.retained) == (4, 153, 12, True)
    assert report.meters[1].total_mwh == 18_234_512
    assert report.meters[1].outputs == (1, 2)
    assert report.outputs[2].cause is Cause.SAFETY


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"nonsense",
        b"[]",
        b"{}",
        b"null",
        b'{"online": 1, "session": 1}',
        b'{"online": true, "session": 1e400}',
        b'{"online": true, "session": NaN}',
        b'{"online": true, "session": ' + b"9" * 400 + b"}",
        b"[" * 100_000,
        b" " * (MAX_PAYLOAD + 1),
    ],
    ids=lambda payload: payload[:12],
)
def test_nonsense_is_refused_and_breaks_nothing(payload: bytes) -> None:
    if not payload:
        assert decode("dorflicht/v1/leck/cabinet-1/status", payload, retained=False) is None
        return
    with pytest.raises(DecodeError):
        decode("dorflicht/v1/leck/cabinet-1/status", payload, retained=False)


@pytest.mark.parametrize("name", ["a/b", "dorflicht/v1/leck/status", "dorflicht/v1/LECK/c/status", "x/v1/a/b/door"])
def test_foreign_topics_are_refused(name: str) -> None:
    with pytest.raises(DecodeError):
        decode(name, b'{"online":true,"session":1}', retained=False)


def test_what_is_written_holds_against_the_schemas() -> None:
    step = OrderStep(NOW, 100, NOW + timedelta(minutes=12), Cause.PRESS, "a" * 32)
    valid("desired", write_desired(7, NOW, {1: (step,), 2: ()}))
    valid("time", write_time(NOW, 1.0, milliseconds(NOW)))
    inventory = leck()
    zones = {zone.key.zone: zone for zone in inventory.zones}
    plan = plan_of(inventory.controllers[0], inventory.municipality, zones, NOW)
    payload = write_plan(3, NOW, plan)
    valid("plan", payload)
    body = json.loads(payload)
    assert body["outputs"]["2"]["safety"] is True
    assert body["tz"] == "CET-1CEST,M3.5.0,M10.5.0/3"
    nights = (plan.outputs[1].ends.date() - night_of(NOW, "Europe/Berlin")).days
    assert nights == 8


def plan_with(steps: tuple[PlanStep, ...], rule: tuple[Step, ...]) -> Plan:
    output = OutputPlan(steps, NOW + timedelta(days=2), rule, safety=False)
    return Plan(Place(54.7, 9.05, "Europe/Berlin"), {1: output}, FailState.PLAN, 60, 12, 100)


def test_a_plan_without_exceptions_and_fades_is_byte_for_byte_what_it_always_was() -> None:
    steps = (PlanStep(NOW, 0), PlanStep(NOW + timedelta(hours=1), 100, Cause.SCHEDULE, 0))
    rule = (Step(Anchor.SUNSET, 100), Step(Anchor.CLOCK, 0, time(0, 30)), Step(Anchor.SUNRISE, 0, offset_min=-10))
    assert write_plan(3, NOW, plan_with(steps, rule)) == (
        b'{"plan_n":3,"at":1795306350123,"position":{"lat":54.7,"lon":9.05},"tz":"CET-1CEST,M3.5.0,M10.5.0/3",'
        b'"fail_state":"plan","cut_off_after_min":60,"local_press":{"minutes":12,"level":100},'
        b'"outputs":{"1":{"safety":false,"ends":1795479150123,'
        b'"steps":[{"at":1795306350123,"level":0},{"at":1795309950123,"level":100}],'
        b'"rule":[{"anchor":"sunset","level":100},{"anchor":"clock","level":0,"clock":"00:30"},'
        b'{"anchor":"sunrise","level":0,"offset_min":-10}]}}}'
    )


def test_causes_fades_dusk_and_dawn_reach_the_controller() -> None:
    steps = (
        PlanStep(NOW, 40, fade_s=600),
        PlanStep(NOW + timedelta(hours=1), 100, Cause.EXCEPTION),
        PlanStep(NOW + timedelta(hours=2), 0, Cause.EXCEPTION, 1),
    )
    rule = (Step(Anchor.DUSK, 100, offset_min=-5, fade_s=60), Step(Anchor.DAWN, 0))
    payload = write_plan(3, NOW, plan_with(steps, rule))
    valid("plan", payload)
    output = json.loads(payload)["outputs"]["1"]
    start = milliseconds(NOW)
    assert output["steps"] == [
        {"at": start, "level": 40, "fade_s": 600},
        {"at": start + 3_600_000, "level": 100, "cause": "exception"},
        {"at": start + 7_200_000, "level": 0, "cause": "exception", "fade_s": 1},
    ]
    assert output["rule"] == [
        {"anchor": "dusk", "level": 100, "offset_min": -5, "fade_s": 60},
        {"anchor": "dawn", "level": 0},
    ]
    read = firmware.plan(payload).outputs["1"]
    assert read.steps == [(milliseconds(s.at), s.level, s.cause.value) for s in steps]
    assert [(s.anchor, s.offset, s.level) for s in read.rule] == [("dusk", -300_000, 100), ("dawn", 0, 0)]


def test_beside_the_widest_rules_of_eight_outputs_a_plan_has_room_for_19_000_bytes_of_steps() -> None:
    place = Place(-43.95123456789, -176.56123456789, "Pacific/Chatham")
    rule = (Step(Anchor.CLOCK, 100, time(23, 30), -720, 600),) * 20
    widest = PlanStep(NOW, 100, Cause.EXCEPTION, 600)

    def size(steps: int) -> int:
        outputs = {n: OutputPlan((widest,) * steps, NOW, rule, safety=False) for n in range(1, 9)}
        return len(write_plan(2**31 - 1, NOW, Plan(place, outputs, FailState.PLAN, 44_640, 240, 100)))

    assert size(0) + 19_000 <= MAX_PAYLOAD
    assert size(2) - size(1) == 8 * 66


def test_the_wire_speaks_whole_milliseconds() -> None:
    assert moment(milliseconds(NOW)) == NOW


@pytest.mark.parametrize("name", ["Europe/Berlin", "Europe/Paris", "UTC", "America/Argentina/Buenos_Aires"])
def test_a_posix_tz_is_found(name: str) -> None:
    assert 3 <= len(posix_tz(name)) <= 64


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("outputs", {"no digit": {"level": 1, "cause": "press"}}, "outputs.*.*"),
        ("outputs", {"1\nWARNING forged line": {"level": 1, "cause": "press"}}, "outputs.*.*"),
        ("outputs", {"\u00b2": {"level": 1, "cause": "press"}}, "outputs.*.*"),
        ("outputs", {"1": {"level": 101, "cause": "press"}}, "outputs.level"),
        ("meters", {"\x1b[31m": {"w": 1, "wh_total": 1, "outputs": []}}, "meters.*.*"),
        ("meters", {"8": {"w": 1, "wh_total": -1, "outputs": []}}, "meters.wh_total"),
        ("fw", "a\nb", "fw"),
        ("fw", "a\n", "fw"),
        ("fw", "\u00e4", "fw"),
    ],
)
def test_the_kind_of_a_fault_names_only_fields_of_the_contract(field: str, value: object, kind: str) -> None:
    body = json.loads((BROKER / "examples/good/report-cabinet.json").read_text("utf-8"))
    with pytest.raises(DecodeError) as fault:
        decode("dorflicht/v1/leck/cabinet-1/report", json.dumps(body | {field: value}).encode(), retained=False)
    assert str(fault.value) == f"malformed {kind}"


def test_a_sender_cannot_invent_kinds_of_fault() -> None:
    body = json.loads((BROKER / "examples/good/report-cabinet.json").read_text("utf-8"))
    kinds = set()
    for n in range(300):
        strange = {f"strange {n}": {f"more {n}": n}}
        payload = json.dumps(body | {"outputs": strange, "meters": strange, f"extra {n}": n}).encode()
        with pytest.raises(DecodeError) as fault:
            decode("dorflicht/v1/leck/cabinet-1/report", payload, retained=False)
        kinds.add(str(fault.value))
    assert len(kinds) == 1


@pytest.mark.parametrize("leaf", ["plan", "desired"])
def test_a_kept_counter_is_read_up_to_the_highest_that_the_wire_allows(leaf: str) -> None:
    highest = decode(f"dorflicht/v1/leck/cabinet-1/{leaf}", b'{"%s_n":2147483647}' % leaf.encode(), retained=True)
    assert isinstance(highest, Counters)
    assert max(highest.plan_n, highest.desired_n) == 2**31 - 1
    with pytest.raises(DecodeError):
        decode(f"dorflicht/v1/leck/cabinet-1/{leaf}", b'{"%s_n":2147483648}' % leaf.encode(), retained=True)


def test_an_event_keeps_its_values() -> None:
    told = {"id": "b-18", "type": "button", "at": 1795305602000, "output": 2, "served": "local"}
    event = decode("dorflicht/v1/leck/cabinet-1/event", json.dumps(told).encode(), retained=False)
    assert event == Event(KEY, "b-18", EventKind.BUTTON, moment(1795305602000), output=2, served=True)
    told = {"id": "f-2", "type": "fault", "at": None, "code": "relayFailure", "on": False}
    event = decode("dorflicht/v1/leck/cabinet-1/event", json.dumps(told).encode(), retained=False)
    assert event == Event(KEY, "f-2", EventKind.FAULT, None, on=False, code=FaultKind.RELAY_FAILURE)


def test_a_retained_event_is_refused() -> None:
    with pytest.raises(DecodeError, match="retained event"):
        decode(
            "dorflicht/v1/leck/cabinet-1/event",
            (BROKER / "examples/good/event-button.json").read_bytes(),
            retained=True,
        )
