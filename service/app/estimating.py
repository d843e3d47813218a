"""Estimate from the command line, with the same figures as the page."""

from collections.abc import Mapping
from typing import Literal

from service.domain.estimate import Field
from service.usecases.estimating import estimated, text_of


def estimate_village(typed: Mapping[str, str], form: Literal["text", "json"]) -> str:
    """The estimate as text or JSON, from figures as typed, by the names of their fields; the rest have defaults."""
    body = estimated({Field(name): text for name, text in typed.items()})
    return text_of(body) if form == "text" else body.model_dump_json(indent=2) + "\n"
