"""The service: judges presses, plans the lamps, records what they report and serves the pages."""

__version__ = "0.1.0"
