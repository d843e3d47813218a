"""The HTTP edge: routers by audience, problem details, the event stream."""
