"""The contract's examples are read alike on both interpreters."""

import os

from firmware_mock.core import decode

EXAMPLES = "broker/examples"
"""Below the folder that the cases run in."""


def read(folder: str) -> list:  # type: ignore[type-arg] # no Any there
    """Name and whether it is accepted, of every example of a folder that a controller reads."""
    readers = {"plan": decode.plan, "desired": decode.desired, "time": decode.time, "status": decode.status}
    found = []
    for name in sorted(os.listdir(EXAMPLES + "/" + folder)):  # noqa: PTH208 - MicroPython has no pathlib
        kind = name.split(".")[0].split("-")[0]
        if kind in readers:
            with open(EXAMPLES + "/" + folder + "/" + name, "rb") as file:  # noqa: PTH123 - no pathlib there
                body = file.read()
            try:
                readers[kind](body)
            except decode.MessageError:
                found.append((name, False))
            else:
                found.append((name, True))
    assert len(found) > 5
    return found


def case_every_good_example_is_accepted() -> None:
    assert [name for name, accepted in read("good") if not accepted] == []


def case_every_bad_example_is_refused() -> None:
    assert [name for name, accepted in read("bad") if accepted] == []
