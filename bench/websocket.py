"""The server's side of a websocket, with unfragmented text frames only (RFC 6455)."""

import base64
import hashlib
from collections.abc import Callable

from bench.http_messages import HttpMessage
from bench.http_server import ServerConnection

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SHORT, _LONG, _VERY_LONG = 126, 126, 127  # payload lengths below, and the marks of two and eight bytes of length


class WebSocket:
    """A connection that was upgraded; `on_text` gets each text frame."""

    def __init__(self, connection: ServerConnection, request: HttpMessage, on_text: Callable[[bytes], None]) -> None:
        self._connection = connection
        self._on_text = on_text
        self._buffer = b""
        accept = base64.b64encode(hashlib.sha1(request.header(b"sec-websocket-key") + _GUID).digest())  # noqa: S324 - the RFC's
        connection.receive = self._receive
        connection.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
        )

    def send(self, text: bytes) -> None:
        """Send a text frame."""
        self._send(_TEXT, text)

    def _send(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        size = bytes([length]) if length < _SHORT else bytes([_LONG]) + length.to_bytes(2, "big")
        self._connection.transport.write(bytes([0x80 | opcode]) + size + payload)

    def _receive(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while frame := self._next():
            opcode, payload = frame
            if opcode == _TEXT:
                self._on_text(payload)
            elif opcode == _PING:
                self._send(_PONG, payload)
            elif opcode == _CLOSE:
                self._send(_CLOSE, payload)
                self._connection.transport.close()

    def _next(self) -> tuple[int, bytes] | None:
        """Return the next frame; those of clients are masked."""
        buffer = self._buffer
        if len(buffer) < 2:  # noqa: PLR2004 - the bytes of the shortest head
            return None
        length, begins = buffer[1] & 0x7F, 2
        if length in {_LONG, _VERY_LONG}:
            begins += 2 if length == _LONG else 8
            length = int.from_bytes(buffer[2:begins], "big")
        mask, begins = buffer[begins : begins + 4], begins + 4
        if len(buffer) < begins + length:
            return None
        payload, self._buffer = buffer[begins : begins + length], buffer[begins + length :]
        return buffer[0] & 0x0F, _unmask(payload, mask)


def _unmask(payload: bytes, mask: bytes) -> bytes:
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")
