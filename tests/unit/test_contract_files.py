"""The contract's examples hold against its schemas, and the bad ones do not."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

BROKER = Path(__file__).parents[2] / "broker"
EXAMPLES = sorted((BROKER / "examples").glob("*/*.json"))


def valid(path: Path) -> bool:
    """Whether an example holds against the schema that its name begins with."""
    schema: dict[str, Any] = json.loads((BROKER / "schema" / f"{path.stem.split('-')[0]}.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    return bool(validator.is_valid(json.loads(path.read_text("utf-8"))))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_is_what_its_folder_says(path: Path) -> None:
    assert valid(path) is (path.parent.name == "good")


@pytest.mark.parametrize("path", sorted((BROKER / "schema").glob("*.json")), ids=lambda path: path.stem)
def test_a_schema_is_a_schema_and_has_examples(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text("utf-8")))
    assert any(example.stem.split("-")[0] == path.stem for example in EXAMPLES)
