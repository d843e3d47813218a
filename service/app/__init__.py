"""Puts the rooms together: the only room that knows every one of them."""

from service.app.commands import import_files, prepare_broker, serve, utc_now
from service.app.simulating import Asked, simulate_policies
from service.app.web import create_app
from service.errors import DorflichtError, SetupError

__all__ = [
    "Asked",
    "DorflichtError",
    "SetupError",
    "create_app",
    "import_files",
    "prepare_broker",
    "serve",
    "simulate_policies",
    "utc_now",
]
