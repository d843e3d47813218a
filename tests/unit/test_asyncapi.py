"""The AsyncAPI document says what the contract says: the same topics, directions, QoS, retention and schemas."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from service.domain.inventory import ControllerKey
from service.wire.access import controller_rights

BROKER = Path(__file__).parents[2] / "broker"
META = Path(__file__).parents[1] / "fixtures" / "asyncapi-3.0.0.json"
NOT_ON_THE_WIRE = {"access.json"}
Json = dict[str, Any]

Said = tuple[str, frozenset[str], int, bool]
"""A topic, what the service does with it (send, receive), QoS, and whether it is retained."""


def document() -> Json:
    content: Json = json.loads((BROKER / "asyncapi.json").read_text("utf-8"))
    return content


def contract() -> set[Said]:
    """What the table in topics.md says."""
    said: set[Said] = set()
    for line in (BROKER / "topics.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) != 5 or not re.fullmatch(r"[01]", cells[2]):
            continue
        leaf, writer, qos, retained = cells[0].strip("`"), cells[1], int(cells[2]), cells[3] == "yes"
        topic = leaf if "/" in leaf else f"dorflicht/v1/{{municipality}}/{{controller}}/{leaf}"
        actions = {"send" if writer.startswith("service") else "receive"}
        if "to itself" in cells[4]:
            actions = {"send", "receive"}
        said.add((topic, frozenset(actions), qos, retained))
    return said


def resolve(whole: Json, part: Json) -> Json:
    """What a `$ref` within the document stands for."""
    while "$ref" in part:
        assert part["$ref"].startswith("#/"), part
        found: Any = whole
        for step in part["$ref"][2:].split("/"):
            found = found[step]
        part = found
    return part


def described(whole: Json) -> set[Said]:
    """What the document says."""
    seen: dict[str, tuple[set[str], set[tuple[int, bool]]]] = {}
    for operation in whole["operations"].values():
        address = resolve(whole, operation["channel"])["address"]
        actions, ways = seen.setdefault(address, (set(), set()))
        actions.add(operation["action"])
        binding = operation["bindings"]["mqtt"]
        ways.add((binding["qos"], binding["retain"]))
    return {(address, frozenset(actions), *way) for address, (actions, ways) in seen.items() for way in ways}


def schemas(part: Any) -> set[str]:
    """The files that the document refers to."""
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) and not part["$ref"].startswith("#") else set()
        return own.union(*map(schemas, part.values()))
    return set().union(*map(schemas, part)) if isinstance(part, list) else set()


def faults(whole: Json) -> list[str]:
    """What is wrong with a document by AsyncAPI's own meta-schema."""
    meta = json.loads(META.read_text("utf-8"))
    return [error.message for error in jsonschema.Draft7Validator(meta).iter_errors(whole)]


def test_it_is_an_asyncapi_document() -> None:
    assert faults(document()) == []


BREAKS: list[Callable[[Json], object]] = [
    lambda whole: whole.pop("info"),
    lambda whole: whole["operations"]["sendPlan"].update(action="publish"),
    lambda whole: whole["channels"]["plan"].update(adress="x"),
    lambda whole: whole["operations"]["sendPlan"]["bindings"]["mqtt"].update(qos=3),
]


@pytest.mark.parametrize("number", range(len(BREAKS)))
def test_the_meta_schema_finds_what_is_wrong(number: int) -> None:
    broken = copy.deepcopy(document())
    BREAKS[number](broken)
    assert faults(broken) != []


def test_topics_directions_qos_and_retention_are_those_of_the_contract() -> None:
    assert len(contract()) == 7
    assert described(document()) == contract()


def test_each_channel_is_used_and_each_reference_leads_somewhere() -> None:
    whole = document()
    used = {operation["channel"]["$ref"].rsplit("/", 1)[1] for operation in whole["operations"].values()}
    assert used == set(whole["channels"])
    for operation in whole["operations"].values():
        messages = resolve(whole, operation["channel"])["messages"]
        assert [resolve(whole, message) for message in operation["messages"]] == [
            resolve(whole, message) for message in messages.values()
        ]
    for channel in whole["channels"].values():
        named = set(re.findall(r"{(\w+)}", channel["address"]))
        assert named == set(channel.get("parameters", {}))
        for parameter in channel.get("parameters", {}).values():
            assert resolve(whole, parameter)["description"]


def test_each_schema_of_the_wire_is_referred_to_and_no_other() -> None:
    there = {f"schema/{path.name}" for path in (BROKER / "schema").glob("*.json") if path.name not in NOT_ON_THE_WIRE}
    assert schemas(document()) == there
    for name, message in document()["components"]["messages"].items():
        if message["contentType"] == "application/json":
            schema = json.loads((BROKER / message["payload"]["schema"]["$ref"]).read_text("utf-8"))
            assert schema["$id"].endswith(f"/{name}.json")
            assert message["payload"]["schemaFormat"].endswith("draft-2020-12")


def test_what_a_controller_sends_and_reads_is_what_it_has_a_right_to() -> None:
    rights = controller_rights(ControllerKey("glasau", "pole"))
    own = {
        (address.format(municipality="glasau", controller="pole"), actions)
        for address, actions, _, _ in described(document())
    }
    receives = {topic for topic, actions in own if actions == {"receive"}}
    sends = {topic for topic, actions in own if actions == {"send"}}
    assert receives == set(rights.publish)
    assert sends | {"dorflicht/v1/glasau/pole/status"} == set(rights.subscribe)
