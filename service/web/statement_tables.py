"""The tables of a statement, in the words and numbers of one language."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from service.domain.words import Cause, Reason
from service.usecases.saving_bodies import AmountBody
from service.usecases.statement_bodies import ReadingStretch, StatementBody
from service.web.motion_words import Say, Words
from service.web.statement_chart import causes_of

_BRIGHT = (Reason.DAYLIGHT, Reason.ALREADY_LIT)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: columns with their units, rows that begin with their name, and a last row in bold."""

    id: str
    caption: str
    columns: list[tuple[str, str]]
    rows: list[list[str]]
    total: list[str] = field(default_factory=list)
    words: frozenset[int] = frozenset()
    """Columns (from 0, the name left out) that hold words, not numbers."""
    notes: list[str] = field(default_factory=list)
    """Sentences below it."""


class Tables:
    """A statement in the words and numbers of one language."""

    def __init__(self, body: StatementBody, say: Say) -> None:
        """Sum up what is shared: `bars` are the energy (kWh) by cause of each period, `causes` those that used any,
        `unrecorded` the periods before anything was recorded."""
        self._body, self._say, self._words = body, say, Words(say)
        self._yearly = len(body.period) == 4
        by_period: dict[str, dict[Cause, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        by_zone: dict[str, dict[Cause, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for part in body.energy:
            by_period[part.period][part.cause] += part.kwh
            by_zone[part.zone][part.cause] += part.kwh
        self.bars = [by_period[period] for period in body.periods]
        self._by_zone = by_zone
        self.causes = causes_of(self.bars)
        self.unrecorded = {period.period for period in body.by_period if period.kwh is None}

    def cause(self, cause: Cause) -> str:
        """The word for a cause."""
        return self._say[f"cause_{cause}"]

    def kwh(self, value: Decimal | None) -> str:
        """kWh to one place, or that they are not known."""
        return self._words.number(value, 1)

    def month(self, text: str) -> str:
        """A month that is written like 2026-11."""
        year, month = text.split("-")
        return f"{self._say['months'].split()[int(month) - 1]} {year}"

    def moment(self, at: datetime) -> str:
        """Date and local time."""
        local = at.astimezone(ZoneInfo(self._body.timezone))
        return self._say["moment"].format(date=self._words.date(local.date()), time=f"{local:%H:%M}")

    def day_of(self, at: datetime) -> str:
        """The local date."""
        return self._words.date(at.astimezone(ZoneInfo(self._body.timezone)).date())

    def last_night(self) -> str:
        """The last night that is told, by the date of its evening."""
        return self.day_of(self._body.told - timedelta(days=1))

    def _day(self, day: date) -> str:
        return self._say["day"].format(day=day.day, month=day.month, year=day.year)

    def figures(self) -> Table:
        """The key figures."""
        total, currency, say = self._body.total, self._body.currency, self._say
        rows = [
            [say["energy"], self.kwh(total.kwh), "kWh"],
            [say["energy_money"], self._words.number(total.energy_money, 2), currency],
            [say["fixed_money"], self._words.number(total.fixed_money, 2), currency],
            [say["total_money"], self._words.number(total.money, 2), currency],
            [say["co2"], self._words.number(total.co2_kg, 1), "kg"],
            *self._presses(),
            [say["pressed"], self.kwh(self._body.pressed.kwh), "kWh"],
            [say["pressed_money"], self._words.number(self._body.pressed.money, 2), currency],
        ]
        columns = [(say["figure"], ""), (say["value"], ""), (say["unit"], "")]
        return Table("figures", say["figures"], columns, rows, words=frozenset({1}))

    def _presses(self) -> Iterator[list[str]]:
        presses, say = self._body.presses, self._say
        if presses is None:
            yield [say["presses"], say["unknown"], ""]
            return
        bright = sum(presses.refused_by.get(reason, 0) for reason in _BRIGHT)
        yield [say["granted"], self._words.number(presses.granted), ""]
        yield [say["refused"].format(n=self._words.number(bright)), self._words.number(presses.refused), ""]

    def saving(self) -> Iterator[Table]:
        """Beside light all night; nothing where there is nothing to compare."""
        if self._body.saving is None:
            return
        total, presses, say = self._body.saving.total, self._body.saving.presses, self._say
        percent = self._words.number(total.percent.kwh, 1)
        rows = [
            [say["all_night"], *self._amount(total.against)],
            [say["used"], *self._amount(total.used)],
            [say["saved"].format(percent=percent), *self._amount(total.saved)],
            [say["darkness"], *self._amount(presses.darkness)],
            [say["presses_cost"], *self._amount(presses.cost)],
        ]
        columns = [("", ""), (say["energy"], "kWh"), (say["money"], self._body.currency), (say["co2"], "kg")]
        yield Table("saving", say["saving"], columns, rows, notes=list(self._compared_from()))

    def _compared_from(self) -> Iterator[str]:
        """From when on is compared, where that is not all the time."""
        later = [] if self._body.saving is None else self._body.saving.later
        every = len(later) == len(self._body.zones) and len({zone.since for zone in later}) == 1
        if every:
            yield self._say["compared_from"].format(since=self.moment(later[0].since))
            return
        for zone in later:
            yield self._say["zone_compared_from"].format(zone=zone.name, since=self.moment(zone.since))

    def _amount(self, amount: AmountBody) -> list[str]:
        return [
            self.kwh(amount.kwh),
            self._words.number(amount.money, 2),
            self._words.number(amount.co2_kg, 1),
        ]

    def _columns(self, first: str) -> list[tuple[str, str]]:
        return [(first, ""), *((self.cause(cause), "kWh") for cause in self.causes), (self._say["together"], "kWh")]

    def _by_cause(self, used: Mapping[Cause, Decimal]) -> list[str]:
        return [
            *(self.kwh(used.get(cause, Decimal(0))) for cause in self.causes),
            self.kwh(sum(used.values(), Decimal())),
        ]

    def _all(self) -> dict[Cause, Decimal]:
        return {cause: sum((bar.get(cause, Decimal(0)) for bar in self.bars), Decimal()) for cause in self.causes}

    def zones(self) -> Table:
        """Energy by zone and cause."""
        names = {zone.zone: zone.name for zone in self._body.zones}
        rows = [
            [names.get(zone, zone), *self._by_cause(used)]
            for zone, used in sorted(self._by_zone.items(), key=lambda z: names.get(z[0], z[0]))
        ]
        return Table(
            "zones",
            self._say["by_zone"],
            self._columns(self._say["zone"]),
            rows,
            [self._say["together"], *self._by_cause(self._all())],
        )

    def nights(self) -> Table:
        """Energy, money and CO2 by night, in a year by month."""
        costs: dict[str, list[AmountBody]] = defaultdict(list)
        for part in self._body.energy:
            costs[part.period].append(part)
        rows = []
        for period, bar in zip(self._body.periods, self.bars, strict=True):
            parts = costs[period]
            if period in self.unrecorded:
                rows.append([self.name(period), *["–"] * (len(self.causes) + 3)])
                continue
            rows.append(
                [
                    self.name(period),
                    *self._by_cause(bar),
                    self._sum([p.money for p in parts], 2),
                    self._sum([p.co2_kg for p in parts], 1),
                ]
            )
        total = self._body.total
        last = [
            self._say["together"],
            *self._by_cause(self._all()),
            self._words.number(total.energy_money, 2),
            self._words.number(total.co2_kg, 1),
        ]
        monthly = self._yearly or self._body.periods == [self._body.period]
        first = self._say["month" if monthly else "night"]
        columns = [*self._columns(first), (self._say["money"], self._body.currency), (self._say["co2"], "kg")]
        return Table("periods", self._say["by_month" if monthly else "by_night"], columns, rows, last)

    def _sum(self, values: Sequence[Decimal | None], places: int) -> str:
        known = [value for value in values if value is not None]
        return self._words.number(sum(known, Decimal()) if len(known) == len(values) else None, places)

    def name(self, period: str) -> str:
        """The name of a night or month."""
        return self.month(period) if len(period) == 7 else self._day(date.fromisoformat(period))

    def quality(self) -> Iterator[Table]:
        """How much is known how."""
        if self._body.quality:
            rows = [
                [self._say[f"quality_{q.quality}"], self.kwh(q.kwh), self._words.number(q.percent, 1)]
                for q in self._body.quality
            ]
            columns = [(self._say["quality"], ""), (self._say["energy"], "kWh"), (self._say["share"], "%")]
            yield Table("quality", self._say["qualities"], columns, rows)

    def burning(self) -> Iterator[Table]:
        """Burning hours by level."""
        if self._body.burning:
            rows = [
                [f"{level.level} %", self.kwh(level.output_hours), self.kwh(level.lamp_hours)]
                for level in self._body.burning
            ]
            columns = [
                (self._say["level"], ""),
                (self._say["outputs"], self._say["hours"]),
                (self._say["lamps"], self._say["hours"]),
            ]
            yield Table("burning", self._say["burning"], columns, rows)

    def readings(self) -> Iterator[Table]:
        """The utility's readings beside the ledger."""
        if not self._body.readings:
            return
        say = self._say
        rows = [
            [
                say["everything"] if stretch.supply_point == stretch.name == "all" else stretch.name,
                say["from_to"].format(first=self.moment(stretch.since), last=self.moment(stretch.until)),
                self.kwh(stretch.utility_kwh),
                self.kwh(stretch.ledger_kwh),
                self._words.signed(stretch.deviation_kwh, 1),
                self._words.signed(stretch.deviation_percent, 1),
                self._remark(stretch),
            ]
            for stretch in self._body.readings
        ]
        columns = [
            (say["supply_point"], ""),
            (say["time"], ""),
            (say["utility"], "kWh"),
            (say["ledger"], "kWh"),
            (say["deviation"], "kWh"),
            (say["deviation"], "%"),
            (say["remark"], ""),
        ]
        yield Table("readings", say["readings"], columns, rows, words=frozenset({0, 5}))

    def _remark(self, stretch: ReadingStretch) -> str:
        shares = (f"{self._say[f'quality_{q.quality}']} {self._words.number(q.percent)} %" for q in stretch.quality)
        return ". ".join([*([self._say["warning"]] if stretch.warning else []), *filter(None, [", ".join(shares)])])

    def sources(self) -> Table:
        """What was counted by, and who says so."""
        say, found, currency = self._say, self._body.sources, self._body.currency
        rows = [
            [
                name,
                say["from_to"].format(first=self._day(entry.first), last=self._day(entry.last)),
                self._words.number(entry.value, places),
                unit,
                entry.source or "",
            ]
            for name, entries, places, unit in (
                (say["price"], found.prices, 4, f"{currency}/kWh"),
                (say["fixed_price"], found.fixed_prices, 2, say["a_year"].format(currency=currency)),
                (say["factor"], found.emission_factors, 0, "g/kWh"),
            )
            for entry in entries
        ]
        columns = [
            (say["counted_by"], ""),
            (say["time"], ""),
            (say["value"], ""),
            (say["unit"], ""),
            (say["source"], ""),
        ]
        return Table("sources", say["sources"], columns, rows, words=frozenset({0, 2, 3}))
