"""What the demo stands on: its folder, its ports, its own secrets, and the time at which it begins."""

import fcntl
import json
import secrets
import socket
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from service.app import SetupError

HOST = "127.0.0.1"
TZ = ZoneInfo("Europe/Berlin")
_SECRETS = ("service", "staff", "observer")


def folder(path: Path) -> Path:
    """The data folder, made and proven writable; SetupError otherwise."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SetupError(
            f"The data folder {path} cannot be written ({error.strerror}); name another by --data-dir."
        ) from error
    return path.resolve()


def only_demo(data: Path) -> TextIO:
    """A lock on the data folder, held for as long as the returned file is open. SetupError if a demo has it."""
    lock = (data / "demo.lock").open("w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise SetupError(f"A demo runs on {data} already; end it, or name another folder by --data-dir.") from error
    return lock


def free_port(name: str, port: int) -> None:
    """SetupError when a port cannot be listened on; `name` is its option's."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SetupError(
                f"Port {port} cannot be used ({error.strerror}); choose another by --{name}-port."
            ) from error


def own_secrets(path: Path) -> dict[str, str]:
    """The demo's own secrets, made at its first start."""
    if path.exists():
        try:
            held = json.loads(path.read_text("ascii"))
            return {name: str(held[name]) for name in _SECRETS}
        except (OSError, ValueError, KeyError) as error:
            raise SetupError(
                f"{path} cannot be read ({error}); delete it, and the next start makes a new one."
            ) from error
    keys = {name: secrets.token_urlsafe(32) for name in _SECRETS}
    path.touch(mode=0o600)
    path.write_text(json.dumps(keys), "ascii")
    return keys


def noted_time(path: Path) -> datetime | None:
    """How far the demo's clock had come, or None at the first start."""
    try:
        return datetime.fromisoformat(path.read_text("ascii").strip()) if path.exists() else None
    except (OSError, ValueError) as error:
        raise SetupError(f"{path} holds no time ({error}); delete it to start at the coming night.") from error


def start_time(at: str | None, noted: datetime | None, now: datetime) -> datetime:
    """Where the demo's clock begins: 01:00 of the coming night, where it stood, or where the user wants it."""
    coming = _next(time(1), now)
    if at is None:
        return max(coming, noted or coming)
    try:
        wanted = datetime.fromisoformat(at) if len(at) > 5 else _next(time.fromisoformat(at), noted or now)
    except ValueError as error:
        raise SetupError(
            f"--at: {at!r} is neither a time like 01:30 nor a date and time like 2026-12-24T22:10."
        ) from error
    wanted = wanted.replace(tzinfo=TZ) if wanted.tzinfo is None else wanted
    if noted is not None and wanted < noted:
        there = noted.astimezone(TZ).strftime("%Y-%m-%dT%H:%M")
        raise SetupError(
            f"--at: the demo's clock stands at {there} and moves forward only; another --data-dir starts afresh."
        )
    return wanted


def _next(clock: time, after: datetime) -> datetime:
    local = after.astimezone(TZ)
    today = datetime.combine(local.date(), clock, TZ)
    return today if today > after else datetime.combine(local.date() + timedelta(days=1), clock, TZ)
