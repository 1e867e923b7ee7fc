"""Read and write HTTP/1.1 messages.

The load and the simulated services share one core. This reader needs a tenth of the time of aiohttp's server and
client, so that the core of the application is full first.
"""

from dataclasses import dataclass

_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """A request or a response: its head with the first line, and its body."""

    head: bytes
    body: bytes

    @property
    def words(self) -> list[bytes]:
        """Return the words of the first line."""
        return self.head.partition(b"\r\n")[0].split(b" ")

    @property
    def status(self) -> int:
        """Return the status of a response."""
        return int(self.words[1])

    @property
    def keeps_connection(self) -> bool:
        """Return whether the connection of a response can be used again."""
        return not self.head.startswith(b"HTTP/1.0") and self.header(b"connection").lower() != b"close"

    def header(self, name: bytes) -> bytes:
        """Return a header by its name in lower case, or b""."""
        return _header(self.head, name)


class HttpReader:
    """Reader of the messages of one connection."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[HttpMessage]:
        """Return the messages that are complete with this data."""
        self._buffer = self._buffer + data if self._buffer else data
        messages = []
        while self._buffer and (message := self._next()):
            messages.append(message)
        return messages

    def _next(self) -> HttpMessage | None:
        end = self._buffer.find(_END_OF_HEAD)
        if end < 0:
            return None
        head, begins = self._buffer[:end], end + len(_END_OF_HEAD)
        length = _header(head, b"content-length")
        if not length and b"chunked" in _header(head, b"transfer-encoding"):
            return self._next_chunked(head, begins)
        ends = begins + int(length or 0)
        if len(self._buffer) < ends:
            return None
        body, self._buffer = self._buffer[begins:ends], self._buffer[ends:]
        return HttpMessage(head, body)

    def _next_chunked(self, head: bytes, begins: int) -> HttpMessage | None:
        body = b""
        while (line_end := self._buffer.find(b"\r\n", begins)) >= 0:
            size = int(self._buffer[begins:line_end].partition(b";")[0], 16)
            begins = line_end + 2
            if len(self._buffer) < begins + size + 2:
                return None
            body += self._buffer[begins : begins + size]
            begins += size + 2
            if size == 0:
                self._buffer = self._buffer[begins:]
                return HttpMessage(head, body)
        return None


def _header(head: bytes, name: bytes) -> bytes:
    found = head.lower().find(b"\r\n" + name + b":")
    if found < 0:
        return b""
    begins = found + len(name) + 3
    ends = head.find(b"\r\n", begins)
    return head[begins : ends if ends >= 0 else None].strip()


def response(status: bytes, body: bytes, *, content_type: bytes = b"application/json", date: str = "") -> bytes:
    """Return the bytes of a response; `status` is the code with its reason."""
    return b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nDate: %b\r\n\r\n%b" % (
        status,
        content_type,
        len(body),
        date.encode(),
        body,
    )
