"""What aiomqtt lacks: to connect so that it can be cancelled, and to leave without saying DISCONNECT."""

import asyncio
import contextlib
import socket

import aiomqtt

NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
"""Socket options: a small message goes out at once."""


async def enter(client: aiomqtt.Client) -> None:
    """Connect. aiomqtt connects in a thread, which cannot be cancelled: wait for it, then cut what it made."""
    entering = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        while not entering.done():
            if cut(client):
                entering.cancel()
            await asyncio.wait([entering], timeout=0.05)
        if not entering.cancelled():
            entering.exception()
        raise


def cut(client: aiomqtt.Client) -> bool:
    """Close the TCP connection without DISCONNECT, so that the broker sends the will; False if there is none."""
    connection = client._client.socket()  # noqa: SLF001 - aiomqtt cannot leave without saying DISCONNECT
    if not isinstance(connection, socket.socket):
        return False
    with contextlib.suppress(OSError):  # the other side was faster
        connection.shutdown(socket.SHUT_RDWR)
    return True


async def hang_up(client: aiomqtt.Client) -> None:
    """Cut the connection and wait until the event loop has let go of it."""
    lost = client._disconnected  # noqa: SLF001 - nobody else asks it any more, which asyncio would complain about
    if cut(client) and client._connected.done():  # noqa: SLF001 - only then `lost` is told
        await asyncio.wait([lost], timeout=1)
    if lost.done() and not lost.cancelled():
        lost.exception()
