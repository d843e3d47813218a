"""The program on the pole: `core` decides and runs on MicroPython, `link` speaks MQTT on a full Python."""
