"""The log: a queue to stderr, formats, and levels that keep secrets of libraries out of it."""

import json
import logging
import os
import queue
import select
import threading
import time
from contextlib import suppress

from bot.runtime import request_id

_STANDARD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})
_LIBRARIES = {
    "aiohttp": logging.WARNING,
    "aiohttp.server": logging.CRITICAL,  # it logs the bytes of invalid requests; `HttpServer` handles our own errors
    "asyncio": logging.WARNING,
    "httpx": logging.WARNING,  # at INFO it logs every URL, also response URLs
    "psycopg": logging.ERROR,  # its warnings repeat errors, which the store reports
    "slack_sdk": logging.WARNING,  # at DEBUG it logs whole requests
    "slack_bolt": logging.ERROR,  # its warnings repeat bodies
}
_STDERR = 2
_SECONDS = "%Y-%m-%dT%H:%M:%S"  # ISO 8601, in UTC
_encode = json.JSONEncoder(default=str).encode
CAPACITY = 10_000  # lines; some megabytes
_TOGETHER, _MOST_TOGETHER = 0.1, 500  # seconds in which lines wait for others, and lines that are written at once
_FLUSH_TIMEOUT = 0.5  # seconds at exit, less than the process is given


def configure(level: str, log_format: str) -> None:
    """Log to stderr from `level` on, as "text" or "json". Libraries keep levels below which they log secrets."""
    handler = NonBlockingHandler(_STDERR)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # https://docs.python.org/3/howto/logging.html#optimization: no line has these
    logging._srcfile = None  # noqa: SLF001 - documented there
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for name, library_level in _LIBRARIES.items():
        logging.getLogger(name).setLevel(library_level)


class NonBlockingHandler(logging.Handler):
    """Handler whose lines a thread writes to the file `number`: if nobody reads it, lines are dropped.

    With `QueueHandler` the exit can hang: `QueueListener.stop` has no timeout, and `sys.stderr` has a lock. Its limit
    needs a `Queue`, whose lock a finalizer that logs can wait for while the same thread holds it.
    """

    def __init__(self, number: int, capacity: int = CAPACITY) -> None:
        super().__init__()
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._number, self._capacity = number, capacity
        threading.Thread(target=self._write_lines, daemon=True, name="log").start()

    def emit(self, record: logging.LogRecord) -> None:
        """Add the formatted record to the queue, or drop it."""
        if self._lines.qsize() >= self._capacity:
            return
        try:
            self._lines.put(self.format(record))
        except Exception:  # noqa: BLE001 - such as a value that can't be formatted
            self.handleError(record)

    def flush(self) -> None:
        """Wait a moment until the queue is written. `logging` calls this when the process exits."""
        written = threading.Event()
        self._lines.put(written)
        written.wait(_FLUSH_TIMEOUT)

    def _write_lines(self) -> None:
        while True:
            taken = [self._lines.get()]
            while not self._lines.empty() and len(taken) < _MOST_TOGETHER:
                taken.append(self._lines.get())
            self._write([line for line in taken if isinstance(line, str)])
            for line in taken:
                if isinstance(line, threading.Event):
                    line.set()
            if self._lines.empty():
                time.sleep(_TOGETHER)

    def _write(self, lines: list[str]) -> None:
        data = "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")
        with suppress(OSError):  # as of a full disk
            while data:
                select.select([], [self._number], [])  # the file may be in non-blocking mode
                data = data[os.write(self._number, data) :]


class TextFormatter(logging.Formatter):
    """Formatter for people: a line of time, level, message, and the fields as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with a traceback below it if there is one."""
        at = time.strftime(f"{_SECONDS}Z", time.gmtime(record.created))
        message = record.getMessage().replace("\n", "\\n")
        fields = [f" {name}={_one_word(value)}" for name, value in _fields(record).items()]
        line = f"{at} {record.levelname:7} {message}{''.join(fields)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """Formatter for machines: a JSON object per line, with the time in ISO 8601 and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole line."""
        line = {
            "time": f"{time.strftime(_SECONDS, time.gmtime(record.created))}.{int(record.created % 1 * 1000):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _encode(line)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Return the fields of a record, and the id of the request that it is about; it is formatted in the same task."""
    fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if request := request_id():
        fields["request"] = request
    return fields


def _one_word(value: object) -> str:
    """Return the value as one word, so that it cannot forge a line."""
    text = str(value)
    return text if text.isprintable() and text and " " not in text else json.dumps(text)
