"""A large made-up municipality for load: as many luminaires or cabinets as asked for, as a municipality file's text."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

_STREET = 50
"""Controllers in one zone."""

_HEAD = """note = "Made up for load tests."

[municipality]
id = "{id}"
name = "{id}"
timezone = "Europe/Berlin"
lat = 54.7
lon = 9.05
language = "de"
currency = "EUR"
prices = [{{ valid_from = 2025-01-01, per_kwh = "0.30", source = "assumed" }}]
safety_schedule = [{{ at = "sunset", level = 100 }}, {{ at = "sunrise", level = 0 }}]

[schedules]
dark-after-eleven = [
    {{ at = "sunset", level = 100 }},
    {{ at = "23:00", level = 0 }},
    {{ at = "05:00", level = 100 }},
    {{ at = "sunrise", level = 0 }},
]
"""
_ZONE = """
[[zone]]
id = "{zone}"
name = "{zone}"
schedule = "dark-after-eleven"
press = {{ minutes = 12 }}
"""
_CONTROLLER = """
[[controller]]
id = "{controller}"
kind = "{kind}"
name = "{controller}"
outputs = [{{ n = 1, zone = "{zone}"{relay} }}]
meters = [{{ n = 1, outputs = [1] }}]
"""
_LAMP = """
[[lamp]]
id = "{controller}-{i}"
controller = "{controller}"
output = 1
watts = {watts:g}
lat = {lat:.6f}
lon = {lon:.6f}
pole = "{pole}"
"""


@dataclass(frozen=True, slots=True)
class Many:
    """`controllers` controllers with one output and `lamps` lamps each. One lamp makes a luminaire, more a cabinet.

    ValueError where a number is below 1.
    """

    municipality: str
    controllers: int
    lamps: int = 1
    watts: float = 25.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("controllers", "lamps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; at least 1 is needed")

    @property
    def keys(self) -> list[str]:
        """municipality/controller of each."""
        return [f"{self.municipality}/{self._name(i)}" for i in range(self.controllers)]

    def _name(self, i: int) -> str:
        return f"c-{i + 1:05}"

    def text(self) -> str:
        """The municipality file, for the service's import and for `device_sim` alike."""
        parts = [_HEAD.format(id=self.municipality)]
        for i in range(self.controllers):
            zone = f"street-{i // _STREET + 1:03}"
            if i % _STREET == 0:
                parts.append(_ZONE.format(zone=zone))
            kind, relay = ("luminaire", "") if self.lamps == 1 else ("cabinet", ", step = 100")
            parts.append(_CONTROLLER.format(controller=self._name(i), kind=kind, zone=zone, relay=relay))
            parts += [self._lamp(i, j) for j in range(self.lamps)]
        return "".join(parts)

    def _lamp(self, i: int, j: int) -> str:
        return _LAMP.format(
            controller=self._name(i),
            i=j + 1,
            watts=self.watts,
            lat=54.7 + (i // _STREET) * 0.001,
            lon=9.05 + (i % _STREET) * 0.0005 + j * 0.00001,
            pole=i * self.lamps + j + 1,
        )

    def credentials(self) -> Mapping[str, str]:
        """A new random secret for each controller, by key; 256 bits."""
        return {key: secrets.token_hex(32) for key in self.keys}
