"""Municipality files for tests that run real parts."""

from pathlib import Path

_ROOT = Path(__file__).parents[2]

LUETJENHOLM = _ROOT / "villages" / "luetjenholm.toml"
"""32 lamps on one relay with one meter, one zone `dorf`, dark from 00:30 to 05:30, 12 minutes."""
GLASAU = _ROOT / "villages" / "glasau.toml"
"""85 luminaires of one lamp each in three zones, half bright from 22:00, dark from 23:00 to 05:00, 15 minutes."""
LECK = _ROOT / "tests" / "fixtures" / "leck.toml"
"""One cabinet: zone `hauptstrasse` lights the safety output of `kreuzung` along; dark from 23:00 to 05:00."""

PAIR = """
note = "Two lamps for tests; their positions are made up."

[municipality]
id = "pair"
name = "Zweilampen"
timezone = "Europe/Berlin"
lat = 54.7
lon = 9.05
language = "de"
currency = "EUR"
prices = [{ valid_from = 2025-01-01, per_kwh = "0.30", source = "assumed" }]
safety_schedule = [{ at = "sunset", level = 100 }, { at = "sunrise", level = 0 }]

[schedules]
dimmed-then-dark = [
    { at = "sunset", level = 100 },
    { at = "22:00", level = 50 },
    { at = "23:00", level = 0 },
    { at = "05:00", level = 50 },
    { at = "sunrise", level = 0 },
]

[[zone]]
id = "weg"
name = "Weg"
schedule = "dimmed-then-dark"
press = { minutes = 1, longest_minutes = 2 }
""" + "".join(
    f"""
[[controller]]
id = "lamp-{n}"
kind = "luminaire"
name = "Weg, Mast {n}"
outputs = [{{ n = 1, zone = "weg" }}]
meters = [{{ n = 1, outputs = [1] }}]

[[lamp]]
id = "w-{n}"
controller = "lamp-{n}"
output = 1
watts = 30
lat = 54.70{n}
lon = 9.05
pole = "{n}"
ring = "yes"
"""
    for n in (1, 2)
)
"""Two luminaires in one zone `weg`, half bright from 22:00, dark from 23:00 to 05:00; a press buys one minute, two at
a stretch."""


def pair(folder: Path) -> Path:
    """`PAIR` as a file in `folder`."""
    path = folder / "pair.toml"
    path.write_text(PAIR, "utf-8")
    return path
