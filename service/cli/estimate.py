"""`dorflicht estimate`: what dark hours would save a village that has nothing yet."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from service.app import estimate_village


class Format(StrEnum):
    """What the estimate looks like."""

    TEXT = "text"
    JSON = "json"


def estimate(
    lamps: Annotated[str, typer.Option(metavar="NUMBER", help="Street lamps.")],
    watts: Annotated[str, typer.Option(metavar="NUMBER", help="What each draws, with its driver.")],
    hours: Annotated[
        str, typer.Option(metavar="NUMBER", help="Hours a year that they burn today; all night is 4,000 to 4,270.")
    ] = "4000",
    dark_hours: Annotated[
        str,
        typer.Option(metavar="NUMBER", help="Hours of these to be dark; from 00:30 to 05:30 at 54.6 degrees north."),
    ] = "1790",
    price: Annotated[str, typer.Option(metavar="NUMBER", help="EUR a kWh; in Germany 0.20 to 0.50.")] = "0.30",
    g_per_kwh: Annotated[
        str, typer.Option(metavar="NUMBER", help="Grams of CO2 a kWh; the German grid of 2024.")
    ] = "363",
    presses_per_night: Annotated[str, typer.Option(metavar="NUMBER", help="Presses in a night.")] = "3",
    press_minutes: Annotated[
        str, typer.Option(metavar="NUMBER", help="Minutes that a press lights all lamps; Löwenstedt's.")
    ] = "12",
    investment: Annotated[
        str, typer.Option(metavar="NUMBER", help="EUR that the control costs once; one cabinet in Lütjenholm.")
    ] = "1500",
    yearly_cost: Annotated[str, typer.Option(metavar="NUMBER", help="EUR that it costs each year; likewise.")] = "100",
    years: Annotated[str, typer.Option(metavar="NUMBER", help="Years to look ahead.")] = "10",
    format: Annotated[Format, typer.Option(help="text or json.")] = Format.TEXT,  # noqa: A002 - the option's name
) -> None:
    """A first estimate of energy, money and CO2 a year, without any database: what dark hours save, what presses give
    back, and when the control is paid."""
    typed = {
        "lamps": lamps,
        "watts": watts,
        "hours": hours,
        "dark_hours": dark_hours,
        "price": price,
        "g_per_kwh": g_per_kwh,
        "presses_per_night": presses_per_night,
        "press_minutes": press_minutes,
        "investment": investment,
        "yearly_cost": yearly_cost,
        "years": years,
    }
    sys.stdout.write(estimate_village(typed, format.value))
