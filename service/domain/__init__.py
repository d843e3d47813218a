"""Values and decisions. Pure: no I/O, no clock, no framework, no logging."""
