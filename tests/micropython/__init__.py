"""Cases that the firmware's core must stand on CPython and on the real MicroPython alike; pytest is not there."""
