"""Labels for controllers, to print and to stick on: name, outputs, claim code and the same as a QR code."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
import segno
from markupsafe import Markup

from service.usecases.credentials import Label

ON_A_SHEET = 10
"""Two columns of five labels, 105 by 57 mm, on A4."""

_WIDTH, _HEIGHT, _TOP = 105, 57, 6
_UNTIL = {"de": "Code zur Anmeldung, einmal gültig bis {} UTC", "en": "Claim code, good once until {} UTC"}
_OUTPUTS_BESIDE = 4
"""As many outputs stand below each other; more take two columns."""


@dataclass(frozen=True, slots=True)
class _Line:
    """An output at its place."""

    x: float
    y: float
    n: int
    zone: str


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A label at its place; `qr` is a path in squares of a field of `modules` by `modules`."""

    x: int
    y: int
    municipality: str
    name: str
    id: str
    code: str
    until: str
    outputs: list[_Line]
    modules: int
    qr: str


def labels_svg(labels: Sequence[Label]) -> str:
    """One A4 sheet as SVG. ValueError for more labels than it holds."""
    if len(labels) > ON_A_SHEET:
        raise ValueError(f"a sheet holds {ON_A_SHEET} labels")
    drawn = [_drawn(label, place) for place, label in enumerate(labels)]
    return _templates().get_template("labels.svg").render(labels=drawn, width=_WIDTH, height=_HEIGHT)


def labels_html(labels: Sequence[Label]) -> str:
    """Any number of labels as a page to print on A4, ten on a sheet; it needs no other file."""
    sheets = [labels[start : start + ON_A_SHEET] for start in range(0, len(labels), ON_A_SHEET)]
    drawn = [Markup(labels_svg(sheet)) for sheet in sheets]  # noqa: S704 - our own template, which escaped all words
    title = ", ".join(f"{label.controller.municipality}/{label.controller.controller}" for label in labels)
    return _templates().get_template("labels.html").render(sheets=drawn, title=title)


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _drawn(label: Label, place: int) -> _Drawn:
    modules, path = _qr(label.code)
    until = _UNTIL.get(label.language, _UNTIL["en"])
    return _Drawn(
        x=place % 2 * _WIDTH,
        y=_TOP + place // 2 * _HEIGHT,
        municipality=_short(label.municipality, 42),
        name=_short(label.name, 25),
        id=_short(f"{label.controller.municipality}/{label.controller.controller}", 36),
        code=label.code,
        until=until.format(f"{label.expires_at:%Y-%m-%d %H:%M}"),
        outputs=_outputs(label.outputs),
        modules=modules,
        qr=path,
    )


def _outputs(outputs: Sequence[tuple[int, str]]) -> list[_Line]:
    two = len(outputs) > _OUTPUTS_BESIDE
    return [
        _Line(44 + (at // _OUTPUTS_BESIDE) * 30, 26 + at % _OUTPUTS_BESIDE * 4.2, n, _short(zone, 18 if two else 38))
        for at, (n, zone) in enumerate(outputs)
    ]


def _qr(code: str) -> tuple[int, str]:
    """The code as it is typed, as a QR code with its quiet zone: a scanner types just what one would type."""
    rows = list(segno.make_qr(code, error="q").matrix_iter(border=4))
    squares = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return len(rows), "".join(squares)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
