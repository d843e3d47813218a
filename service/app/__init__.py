"""Puts the rooms together: the only room that knows every one of them."""

from service.app.commands import prepare_broker, serve, utc_now
from service.app.estimating import estimate_village
from service.app.inventory import import_files
from service.app.simulating import Asked, simulate_policies
from service.app.web import create_app
from service.errors import DorflichtError, SetupError

__all__ = [
    "Asked",
    "DorflichtError",
    "SetupError",
    "create_app",
    "estimate_village",
    "import_files",
    "prepare_broker",
    "serve",
    "simulate_policies",
    "utc_now",
]
