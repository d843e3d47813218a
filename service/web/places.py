"""What a page needs to know of a municipality: names and places, nothing that changes by the minute."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ZonePage:
    """A zone as listed on the page; `lamps` are positions on WGS84, (latitude, longitude) in degrees."""

    id: str
    name: str
    lamps: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class MunicipalityPage:
    """A municipality as shown to residents; `language` is its own, for readers who state none we speak."""

    id: str
    name: str
    language: str
    zones: tuple[ZonePage, ...]
