"""Burning time: how long each lamp and circuit was lit at which level, for bills of unmetered supply (§72 MsbG).

A month's statement is signed off once and stays as it was signed; it can be recomputed at any time, from entries as
long as there are any, coarsened ones too, and then from the month's sums.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from pydantic import BaseModel

from service.domain.dimming import share
from service.domain.inventory import Lamp, Municipality, Output, OutputKey
from service.errors import ConflictError
from service.ports import Burnt, SignedStatement, Tx
from service.usecases.forgetting import burnt_in
from service.usecases.look import municipality_of
from service.usecases.recorded import first_record, within
from service.usecases.spreadsheets import plain_text
from service.usecases.statement_periods import Span, local_date, local_time, month_of

_COLUMNS = (
    "month",
    "controller",
    "output",
    "zone",
    "lamps",
    "poles",
    "watts_w",
    "level_percent",
    "burning_minutes",
    "full_load_hours",
    "energy_kwh",
    "recorded_from",
)
_COMPARED = ("lamps", "watts", "levels", "full_load_hours", "kwh")


class LitBody(BaseModel):
    """How many minutes an output was lit at a level (percent, above 0)."""

    level: int
    minutes: Decimal


class BurningLamp(BaseModel):
    """A lamp on the output, with its watts at level 100."""

    id: str
    pole: str
    watts: float


class BurningOutput(BaseModel):
    """What an output burnt in the month; all its lamps burn alike.

    `full_load_hours` are the hours at level 100 that would have drawn as much, by the law that a LED lamp draws 8 % at
    the least light and the rest in proportion. `kwh` is what the ledger has of it, while it was lit.
    """

    controller: str
    output: int
    zone: str
    lamps: list[BurningLamp]
    watts: float
    levels: list[LitBody]
    full_load_hours: Decimal
    kwh: Decimal


class BurningBody(BaseModel):
    """The burning times of a calendar month in local time, from `start` to `end`.

    `provisional` where its last night is not over: then it tells of the nights that are. `recorded_from`: from when on
    there are records at all, where that is later than `start`.
    """

    municipality: str
    name: str
    month: str
    timezone: str
    start: datetime
    end: datetime
    provisional: bool
    recorded_from: datetime | None = None
    outputs: list[BurningOutput]


class DifferenceBody(BaseModel):
    """An output of which the signed statement says something else than what is recomputed now, and in what."""

    controller: str
    output: int
    fields: list[str]
    signed: BurningOutput | None
    recomputed: BurningOutput | None


class SignatureBody(BaseModel):
    """Who signed the statement off, when, and whether it says the same as what is recomputed now."""

    signed_by: str
    signed_at: datetime
    equal: bool
    differences: list[DifferenceBody]


class BurningStatement(BaseModel):
    """The statement as recomputed now, and how it stands to the signed one, if there is one."""

    statement: BurningBody
    signature: SignatureBody | None


class Shining(NamedTuple):
    """An output with its lamps and what it burnt, by level."""

    output: Output
    lamps: tuple[Lamp, ...]
    burnt: tuple[Burnt, ...]


def burning(tx: Tx, municipality: str, month: str, now: datetime) -> BurningStatement:
    """The statement of a month (2026-11) as of now, beside the signed one. InvalidError for no month, or one to come.

    UnknownError for a municipality that is not here."""
    home = municipality_of(tx, municipality)
    span = month_of(home, month, now)
    body = _body(tx, home, span)
    return BurningStatement(statement=body, signature=_signature(body, tx.signed(home.id, span.first)))


def sign_off(
    tx: Tx, municipality: str, month: str, by: str, now: datetime, *, incomplete: bool = False
) -> BurningStatement:
    """Keep the statement of a month that is over as it stands now, for good.

    ConflictError while the month's last night goes on, where it was signed before, and where nothing of it was
    recorded; where records begin within it as well, unless it may be `incomplete`.
    """
    home = municipality_of(tx, municipality)
    span = month_of(home, month, now)
    before = tx.signed(home.id, span.first)
    if before is not None:
        when = local_date(home, before.signed_at)
        raise ConflictError(f"month: {month} was signed off by {before.signed_by} on {when} already; that stays.")
    if span.provisional:
        ends = local_date(home, span.end)
        raise ConflictError(f"month: the last night of {month} is not over; sign off after noon of {ends}.")
    body = _body(tx, home, span)
    _require_records(tx, home, body, incomplete=incomplete)
    signed = SignedStatement(span.first, by, now, body.model_dump_json())
    tx.sign(home.id, signed)
    return BurningStatement(statement=body, signature=_signature(body, signed))


def _require_records(tx: Tx, home: Municipality, body: BurningBody, *, incomplete: bool) -> None:
    lit = any(output.levels or output.kwh for output in body.outputs)
    if not lit and not tx.energy_sums(home.id, body.start, body.end):
        raise ConflictError(f"month: nothing was recorded in {body.month}; there is nothing to sign off.")
    if body.recorded_from is not None and not incomplete:
        since = local_time(body.recorded_from, body.timezone)
        raise ConflictError(
            f"incomplete: of {body.month} there are records from {since} on alone; "
            'to sign that off as it is, send {"incomplete": true}.'
        )


def shining(tx: Tx, home: Municipality, months: Iterable[Span]) -> list[Shining]:
    """What each output burnt in some months, in nights that are over: from entries, else from the month's sums."""
    outputs = [output for controller in tx.controllers(home.id) for output in controller.outputs]
    lamps: dict[OutputKey, list[Lamp]] = defaultdict(list)
    for lamp in tx.lamps(home.id):
        lamps[lamp.output].append(lamp)
    found: dict[OutputKey, dict[int, Burnt]] = defaultdict(dict)
    for month in months:
        for burnt in burnt_in(tx, home, [output.key for output in outputs], month.start, month.told):
            levels = found[burnt.output]
            before = levels.get(burnt.level, Burnt(burnt.output, burnt.level, timedelta(), 0))
            lit, energy = before.lit + burnt.lit, before.energy_mwh + burnt.energy_mwh
            levels[burnt.level] = Burnt(burnt.output, burnt.level, lit, energy)
    return [
        Shining(
            output,
            tuple(lamps[output.key]),
            tuple(burnt for _, burnt in sorted(found[output.key].items())),
        )
        for output in outputs
    ]


def burning_csv(body: BurningBody) -> str:
    """The burning times as CSV: a line for each output and level, and one at level 0 for what was never lit.

    Full-load hours and energy are those of the output in all its levels, and stand in its first line alone.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    since = "" if body.recorded_from is None else local_time(body.recorded_from, body.timezone)
    for each in body.outputs:
        lamps, poles = " ".join(lamp.id for lamp in each.lamps), " ".join(lamp.pole for lamp in each.lamps)
        levels = each.levels or [LitBody(level=0, minutes=Decimal(0))]
        for n, lit in enumerate(levels):
            whole = ["", ""] if n else [f"{each.full_load_hours:f}", f"{each.kwh:f}"]
            where = [body.month, each.controller, each.output, each.zone, plain_text(lamps), plain_text(poles)]
            writer.writerow([*where, each.watts, lit.level, f"{lit.minutes:f}", *whole, since])
    return out.getvalue()


def minutes(lit: timedelta) -> Decimal:
    """A stretch in minutes, exactly."""
    return Decimal(lit // timedelta(microseconds=1)) / 60_000_000


def _body(tx: Tx, home: Municipality, span: Span) -> BurningBody:
    return BurningBody(
        municipality=home.id,
        name=home.name,
        month=span.label,
        timezone=home.place.tz,
        start=span.start,
        end=span.end,
        provisional=span.provisional,
        recorded_from=within(first_record(tx, home), span),
        outputs=[_output(each) for each in shining(tx, home, [span])],
    )


def _output(each: Shining) -> BurningOutput:
    full = sum((minutes(b.lit) * Decimal(f"{share(b.level):.4f}") for b in each.burnt), Decimal())
    return BurningOutput(
        controller=each.output.key.controller,
        output=each.output.key.n,
        zone=each.output.zone,
        lamps=[BurningLamp(id=lamp.id, pole=lamp.pole, watts=lamp.watts) for lamp in each.lamps],
        watts=each.output.watts,
        levels=[
            LitBody(level=burnt.level, minutes=minutes(burnt.lit).quantize(Decimal("0.01")))
            for burnt in each.burnt
            if burnt.lit
        ],
        full_load_hours=(full / 60).quantize(Decimal("0.01")),
        kwh=Decimal(sum(burnt.energy_mwh for burnt in each.burnt)).scaleb(-6),
    )


def _signature(now: BurningBody, signed: SignedStatement | None) -> SignatureBody | None:
    if signed is None:
        return None
    then = BurningBody.model_validate_json(signed.document)
    before = {(each.controller, each.output): each for each in then.outputs}
    after = {(each.controller, each.output): each for each in now.outputs}
    differences = []
    for controller, output in sorted(before.keys() | after.keys()):
        old, new = before.get((controller, output)), after.get((controller, output))
        if fields := _differing(old, new):
            differences.append(
                DifferenceBody(controller=controller, output=output, fields=fields, signed=old, recomputed=new)
            )
    return SignatureBody(
        signed_by=signed.signed_by, signed_at=signed.signed_at, equal=not differences, differences=differences
    )


def _differing(old: BurningOutput | None, new: BurningOutput | None) -> list[str]:
    return [name for name in _COMPARED if getattr(old, name, None) != getattr(new, name, None)]
