"""What the pole decides, as a pure state machine: no I/O, no clock of its own, only what MicroPython has.

There are no type imports here because MicroPython has no `typing`; it parses annotations and forgets them.
Times are integer milliseconds: since 1970 UTC for moments, of a monotonic counter for `mono_ms`. All arithmetic on
moments is on integers, because many microcontrollers have floats of 24 bits only.
"""

from firmware_mock.core.machine import Core

__all__ = ["Core"]
