"""`dorflicht demo`: supervises broker, service and simulated lamps as processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TextIO

from service.app import SetupError, import_files, prepare_broker, utc_now
from service.cli.ground import HOST, folder, free_port, noted_time, only_demo, own_secrets, start_time
from service.settings import Settings

VILLAGES = Path(__file__).parents[2] / "villages"
_MOST_RESTARTS = 5
_READY_SECONDS = 30
_END_SECONDS = 4
"""Whoever has not ended by then is killed: Ctrl-C is to end the demo within 5 s."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for."""

    headless: bool
    http_port: int
    mqtt_port: int
    data_dir: Path
    at: str | None
    speed: float


def run_demo(options: Options) -> int:
    """Run the demo until Ctrl-C; its exit code. SetupError says in one sentence why it cannot start."""
    if options.http_port == options.mqtt_port:
        raise SetupError(f"Page and broker cannot share port {options.http_port}; choose another by --mqtt-port.")
    data = folder(options.data_dir)
    lock = only_demo(data)
    for name, port in (("http", options.http_port), ("mqtt", options.mqtt_port)):
        free_port(name, port)
    start = start_time(options.at, noted_time(data / "clock.txt"), utc_now())
    keys = own_secrets(data / "secrets.json")
    environment = _environment(options, data, start, keys)

    settings = Settings.model_validate(
        {name.removeprefix("DORFLICHT_").lower(): value for name, value in environment.items()}
    )
    prepare_broker(settings, keys["observer"])

    def read_villages() -> None:
        import_files(settings, sorted(VILLAGES.glob("*.toml")), data / "credentials.json")

    with lock, (data / "demo.log").open("a", encoding="utf-8") as log:
        return Supervisor(options, data, keys, environment, log).run(read_villages)


class Supervisor:
    """Three child processes, kept running until a signal comes."""

    def __init__(
        self, options: Options, data: Path, keys: dict[str, str], environment: dict[str, str], log: TextIO
    ) -> None:
        """Prepare; nothing is started before `run`."""
        self._options, self._keys, self._log, self._data = options, keys, log, data
        self._environment = {**os.environ, **environment}
        self._commands = _commands(options, data)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._events: SimpleQueue[str] = SimpleQueue()
        self._stopping = False
        self._restarts = 0

    def run(self, read_villages: Callable[[], None]) -> int:
        """Start all, say where the page is, restart what breaks, and end all on Ctrl-C.

        The villages are read while the broker starts.
        """
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._on_signal)
        try:
            return self._run(read_villages)
        finally:
            self._end_all()

    def _run(self, read_villages: Callable[[], None]) -> int:
        print("Dorflicht demo: starting the broker, reading the villages ...", flush=True)
        self._start("broker")
        read_villages()
        if not self._until(self._broker_answers, "broker"):
            return self._failed("broker")
        print("Starting the service and 117 lamps ...", flush=True)
        self._start("service")
        self._start("lamps")
        if not self._until(self._service_ready, "service"):
            return self._failed("service")
        self._say_where()
        while True:
            name = self._events.get()
            if self._stopping:
                return 0
            code = self._children[name].returncode
            self._restarts += 1
            if self._restarts > _MOST_RESTARTS:
                return self._failed(name)
            print(f"The {name} ended (exit code {code}); starting it again ...", flush=True)
            self._start(name)

    def _say_where(self) -> None:
        url = f"http://{HOST}:{self._options.http_port}/"
        print(f"Staff token: {self._keys['staff']}")
        print(
            f"Watch the wire: mosquitto_sub -h {HOST} -p {self._options.mqtt_port} -i observer -u observer "
            f"-P {self._keys['observer']} -v -t 'dorflicht/v1/#'"
        )
        print(f"The villages are at {url}  (Ctrl-C ends the demo)", flush=True)
        if not self._options.headless and (os.environ.get("DISPLAY") or sys.platform == "darwin"):
            webbrowser.open(url)

    def _on_signal(self, _signum: int, _frame: FrameType | None) -> None:
        self._stopping = True
        self._events.put("")

    def _start(self, name: str) -> None:
        # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which ends the others.
        child = subprocess.Popen(  # noqa: S603 - our own programs, by this interpreter
            self._commands[name],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._children[name] = child
        threading.Thread(target=self._watch, args=(name, child), daemon=True).start()

    def _watch(self, name: str, child: subprocess.Popen[bytes]) -> None:
        child.wait()
        if not self._stopping:
            self._events.put(name)

    def _until(self, ready: Callable[[], bool], name: str) -> bool:
        """Ask `ready` again and again until it says yes, the child ends, a signal comes or time is up."""
        for _ in range(_READY_SECONDS * 10):
            if ready():
                return True
            try:
                if self._events.get(timeout=0.1) or self._stopping:
                    return False
            except Empty:
                continue
        return False

    def _broker_answers(self) -> bool:
        try:
            socket.create_connection((HOST, self._options.mqtt_port), 1).close()
        except OSError:
            return False
        return True

    def _service_ready(self) -> bool:
        url = f"http://{HOST}:{self._options.http_port}/api/v1/health/ready"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _failed(self, name: str) -> int:
        if self._stopping:
            return 0
        print(f"The {name} does not run; the last words in {self._data / 'demo.log'}:", file=sys.stderr)
        print("\n".join(_last_lines(self._data / "demo.log")), file=sys.stderr)
        return 1

    def _end_all(self) -> None:
        self._stopping = True
        running = [self._children[name] for name in ("lamps", "service", "broker") if name in self._children]
        for child in running:
            child.terminate()
        patience = threading.Timer(_END_SECONDS, _kill, [running])
        patience.start()
        for child in running:
            child.wait()
        patience.cancel()
        print("The demo has ended.", flush=True)


def _kill(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.kill()


def _last_lines(path: Path) -> list[str]:
    return path.read_text("utf-8", "replace").splitlines()[-5:]


def _commands(options: Options, data: Path) -> dict[str, list[str]]:
    python = [sys.executable, "-m"]
    port = str(options.mqtt_port)
    return {
        "broker": [*python, "broker", "--host", HOST, "--port", port, "--rules", str(data / "access.json")],
        "service": [*python, "service", "serve"],
        "lamps": [
            *python,
            "device_sim",
            *("--villages", *map(str, sorted(VILLAGES.glob("*.toml")))),
            *("--credentials", str(data / "credentials.json"), "--host", HOST, "--port", port),
            *("--state-dir", str(data / "lamps"), "--demo"),
        ],
    }


def _environment(options: Options, data: Path, start: datetime, keys: dict[str, str]) -> dict[str, str]:
    return {
        "DORFLICHT_DATABASE_URL": f"sqlite:///{data / 'dorflicht.db'}",
        "DORFLICHT_HTTP_HOST": HOST,
        "DORFLICHT_HTTP_PORT": str(options.http_port),
        "DORFLICHT_MQTT_HOST": HOST,
        "DORFLICHT_MQTT_PORT": str(options.mqtt_port),
        "DORFLICHT_MQTT_USERNAME": "service",
        "DORFLICHT_MQTT_PASSWORD": keys["service"],
        "DORFLICHT_MQTT_VERSION": "3.1.1",
        "DORFLICHT_ACCESS": "rules",
        "DORFLICHT_ACCESS_FILE": str(data / "access.json"),
        "DORFLICHT_STAFF_TOKEN": keys["staff"],
        "DORFLICHT_DEMO": "true",
        "DORFLICHT_DEMO_START": start.isoformat(),
        "DORFLICHT_DEMO_SPEED": str(options.speed),
        "DORFLICHT_DEMO_CLOCK_FILE": str(data / "clock.txt"),
    }
