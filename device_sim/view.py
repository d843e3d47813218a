"""A live view of a village in the terminal: what every controller does, and what happened last."""

from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from device_sim.device import SimDevice
from device_sim.happenings import Happening
from device_sim.results import cpu_s, energy, memory_mb
from device_sim.village import Village
from firmware_mock.timing import Timer

_EVERY_MS = 500
_LAST = 8
_ROOM = 6
"""Lines of the terminal that are no controllers'."""


class View:
    """Shows a village while the context lasts. Where there are more controllers than lines, the troubled come first."""

    def __init__(self, village: Village, console: Console | None = None) -> None:
        self._village = village
        self._events: deque[str] = deque(maxlen=_LAST)
        self._live = Live(console=console, auto_refresh=False, screen=console is None)
        self._timer: Timer | None = None
        self._before = village.on_happening

    def __enter__(self) -> Self:
        """Begin to show."""
        self._village.on_happening = self._happened
        self._live.__enter__()
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back."""
        if self._timer is not None:
            self._timer.cancel()
        self._village.on_happening = self._before
        self._live.__exit__(kind, error, trace)

    def _happened(self, happening: Happening) -> None:
        self._events.append(f"{clock(happening.at_ms)}  {happening.said()}")
        self._before(happening)

    def _show(self) -> None:
        self._live.update(self.picture(self._live.console.height), refresh=True)
        self._timer = self._village.timing.call_later(_EVERY_MS, self._show)

    def picture(self, lines: int) -> Group:
        """All of it, on so many lines."""
        devices = sorted(self._village.devices.values(), key=_calm)
        room = max(1, lines - _ROOM - len(self._events))
        table = Table(expand=True, box=None, header_style="bold")
        for column in ("controller", "link", "outputs", "W"):
            table.add_column(column, justify="right" if column == "W" else "left", no_wrap=True)
        for device in devices[:room]:
            table.add_row(device.spec.key, _link(device), _outputs(device), f"{_watts(device):.0f}")
        if len(devices) > room:
            table.add_row(f"and {len(devices) - room} more", "", "", f"{sum(map(_watts, devices[room:])):.0f}")
        return Group(self._head(devices), table, Text("\n".join(self._events), style="yellow"))

    def _head(self, devices: list[SimDevice]) -> Text:
        burnt = energy(devices)
        connected, powered = sum(d.connected for d in devices), sum(d.powered for d in devices)
        lit = sum(any(d.levels.values()) for d in devices)
        return Text(
            f"{self._village.scenario.name}  {clock(self._village.now_ms)}   {connected} of {len(devices)} connected, "
            f"{powered} with power, {lit} lit   {sum(map(_watts, devices)) / 1000:.2f} kW   "
            f"true {burnt['true_wh']:.0f} Wh, metered {burnt['metered_wh']:.0f} Wh   "
            f"{memory_mb():.0f} MB, {cpu_s():.0f} s CPU\n",
            style="bold",
        )


def clock(ms: int) -> str:
    """Hours, minutes and seconds since the start."""
    seconds = ms // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _calm(device: SimDevice) -> tuple[bool, str]:
    return device.connected and not any(device.load.dark(o.n) for o in device.spec.outputs), device.spec.key


def _watts(device: SimDevice) -> float:
    return sum(device.load.power_mw(o.n) for o in device.spec.outputs) / 1000 if device.powered else 0.0


def _link(device: SimDevice) -> Text:
    if not device.powered:
        return Text("no power", style="dim")
    return Text("connected", style="green") if device.connected else Text("no broker", style="red")


def _outputs(device: SimDevice) -> Text:
    """Each output's level and cause, the level that its lamps get where that is another, and its dark lamps."""
    text, levels = Text(), device.levels
    for n, output in device.core.outputs.items():
        if device.powered:
            text.append(f"{n}: {output.level} % {output.cause}", style="bold" if levels[n] else "dim")
        if device.powered and levels[n] != output.level:
            text.append(f" (really {levels[n]} %)", style="red")
        if dark := device.load.dark(n):
            text.append(f" {dark} dark", style="red")
        text.append("  ")
    return text
