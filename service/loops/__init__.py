"""What runs beside the requests: the conductor, the listener, the timekeeper, housekeeping."""
