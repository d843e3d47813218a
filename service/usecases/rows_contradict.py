"""Which rows contradict one another: nobody knows which of them is right, so all of them are bad."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from service.usecases.rows import shown
from service.usecases.rows_read import OF_CONTROLLER, OF_OUTPUT, Row

Faults = dict[str, list[str]]
"""What is wrong, by the row's `at`."""

_SEVERAL = "; where a controller has several outputs, a column output tells them apart"

OutputName = tuple[str, int]


def contradictions(rows: Sequence[Row], output_of: Callable[[Row], OutputName]) -> Faults:
    """What is wrong with rows that contradict others; each names the line of another."""
    faults: Faults = {}
    _lamps(rows, faults)
    _controllers(rows, faults)
    for what, fields, group in (
        ("controller", OF_CONTROLLER, _grouped(rows, lambda row: row.controller)),
        ("output", OF_OUTPUT, _grouped(rows, output_of)),
    ):
        for name, together in group.items():
            called = name if isinstance(name, str) else "/".join(map(str, name))
            for field in fields:
                _field(f"{what} {called}", field, together, faults)
    return faults


def _grouped(rows: Iterable[Row], by: Callable[[Row], Any]) -> Mapping[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(by(row), []).append(row)
    return groups


def _lamps(rows: Iterable[Row], faults: Faults) -> None:
    for lamp, same in _grouped(rows, lambda row: row.lamp).items():
        for n, row in enumerate(same):
            if len(same) > 1:
                other = same[0] if n else same[1]
                faults.setdefault(row.at, []).append(
                    f"lamp: {shown(row.lamp_text)} stands in {_seen(other, row)}, too"
                    if row.lamp_text == other.lamp_text
                    else _collision("lamp", row.lamp_text, other.lamp_text, lamp, _seen(other, row))
                )


def _controllers(rows: Iterable[Row], faults: Faults) -> None:
    """Two ways of writing that become one id: they may be two controllers, or one misspelt."""
    for controller, same in _grouped(rows, lambda row: row.controller).items():
        first: dict[str, Row] = {}
        for row in same:
            first.setdefault(row.controller_text, row)
        if len(first) > 1:
            for row in same:
                other = next(other for text, other in first.items() if text != row.controller_text)
                faults.setdefault(row.at, []).append(
                    _collision("controller", row.controller_text, other.controller_text, controller, _seen(other, row))
                )


def _collision(what: str, one: str, other: str, made: str, where: str) -> str:
    return (
        f"{what}: {shown(one)}, and {shown(other)} in {where}, would both be called {made}. Write one of them "
        f"otherwise, or both alike if they are the same; or say which is meant under [values.{what}] of a mapping"
    )


def _field(what: str, field: str, together: Sequence[Row], faults: Faults) -> None:
    first: dict[Any, Row] = {}
    for row in together:
        if field in row.shared:
            first.setdefault(row.shared[field], row)
    if len(first) < 2:
        return
    for row in together:
        mine = row.shared.get(field, next(iter(first)))
        value, other = next((value, other) for value, other in first.items() if value != mine)
        hint = _SEVERAL if field == "zone" and "output" not in row.given else ""
        faults.setdefault(row.at, []).append(
            f"{field}: {told(mine)}, but {_seen(other, row)} says {told(value)} of the same {what}{hint}"
        )


def _seen(other: Row, row: Row) -> str:
    """Where another row is, seen from one."""
    return other.at.removeprefix(f"{row.file}: ")


def told(value: Any) -> str:
    """A value as a file would have it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "/".join(map(str, value))
    return str(value)
