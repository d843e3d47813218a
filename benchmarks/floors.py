"""The floors: what an order and a commit cost on this machine with nothing of ours between."""

import asyncio
import json
import socket
import sqlite3
import time
from pathlib import Path

import aiomqtt

from tests.support.broker_process import BrokerProcess

_NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
_PATIENCE_S = 60.0
_DESIRED, _REPORT = "dorflicht/v1/floor/floor/desired", "dorflicht/v1/floor/floor/report"
_ORDER = {
    "desired_n": 0,
    "at": 1_800_000_000_000,
    "outputs": {
        "1": [
            {
                "from": 1_800_000_000_000,
                "level": 100,
                "until": 1_800_000_720_000,
                "cause": "press",
                "ref": "0123456789abcdef0123456789abcdef",
            }
        ]
    },
}


async def order_to_ack(broker: BrokerProcess, secret: str, count: int) -> list[float]:
    """Seconds from publishing an order until its report is here, through the given broker, QoS 1 both ways.

    The other side is a bare client with the rights of controller floor/floor that sends every order back.
    """
    pole = broker.client("floor.floor", secret, socket_options=_NO_DELAY)
    async with broker.service_client("floor", socket_options=_NO_DELAY) as service, pole:
        await service.subscribe(_REPORT, qos=1)
        await pole.subscribe(_DESIRED, qos=1)
        reports = aiter(service.messages)
        times = []
        async with asyncio.timeout(_PATIENCE_S), asyncio.TaskGroup() as group:
            group.create_task(_echo(pole, count))
            for n in range(count):
                body = json.dumps({**_ORDER, "desired_n": n})
                began = time.perf_counter()
                await service.publish(_DESIRED, body, qos=1)
                await anext(reports)
                times.append(time.perf_counter() - began)
    return times


async def _echo(pole: aiomqtt.Client, count: int) -> None:
    orders = aiter(pole.messages)
    for _ in range(count):
        message = await anext(orders)
        await pole.publish(_REPORT, message.payload, qos=1)


def commits(folder: Path, count: int) -> list[float]:
    """Seconds of a transaction with one small row, safely on disk, as SQLite does it for a grant."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL").fetchall()
    connection.execute("PRAGMA synchronous=FULL").fetchall()
    connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT)")
    times = []
    for _ in range(count):
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO row (body) VALUES ('0123456789abcdef0123456789abcdef')")
        connection.execute("COMMIT")
        times.append(time.perf_counter() - began)
    connection.close()
    return times
