"""The log: a queue to stderr, formats, and levels that keep secrets of libraries out of it."""

import json
import logging
import os
import queue
import select
import threading
import time
from logging.handlers import QueueHandler
from typing import Any

from bot import request_id

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
CAPACITY = 10_000  # lines; some megabytes
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


class NonBlockingHandler(QueueHandler):
    """Handler whose lines a thread writes to the file `number`, since nobody may be reading it.

    If the queue is full, lines are dropped, and their number is logged once the queue has been written.
    """

    def __init__(self, number: int, capacity: int = CAPACITY) -> None:
        # A `Queue` has a lock: garbage collection can run a finalizer that logs while the same thread holds it.
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        super().__init__(self._lines)
        self._number = number
        self._capacity = capacity
        self._dropped = self._failed = 0
        threading.Thread(target=self._write_lines, name="log", daemon=True).start()

    def prepare(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return self.format(record)

    def enqueue(self, record: Any) -> None:  # noqa: ANN401 - what `prepare` returns
        """Add the line to the queue, or drop it."""
        if self._lines.qsize() < self._capacity:
            self._lines.put(record)
        else:
            self._dropped += 1

    def flush(self) -> None:
        """Wait a moment until the queue is written. `logging` calls this when the process exits."""
        written = threading.Event()
        self._lines.put(written)
        written.wait(_FLUSH_TIMEOUT)

    @property
    def lost(self) -> int:
        """Return the number of lines that were dropped, or could not be written."""
        return self._dropped + self._failed

    def _write_lines(self) -> None:
        reported = 0
        while True:
            line = self._lines.get()
            if isinstance(line, str):
                self._failed += not self._write(line)
            lost = self.lost
            if lost > reported and self._lines.empty() and self._write(self._report(lost - reported)):
                reported = lost
            if isinstance(line, threading.Event):
                line.set()

    def _write(self, line: str) -> bool:
        """Write a line, and return whether that worked. `sys.stderr` has a lock, which would block the exit."""
        data = f"{line}\n".encode(errors="backslashreplace")
        try:
            while data:
                select.select([], [self._number], [])  # the file may be in non-blocking mode
                data = data[os.write(self._number, data) :]
        except OSError:
            return False
        return True

    def _report(self, lines: int) -> str:
        level = logging.WARNING
        fields = {"name": __name__, "levelno": level, "levelname": logging.getLevelName(level), "lines": lines}
        return self.format(logging.makeLogRecord(fields | {"msg": "log lines dropped"}))


def dropped_lines() -> int:
    """Return the number of lines that this process has lost."""
    return sum(handler.lost for handler in logging.getLogger().handlers if isinstance(handler, NonBlockingHandler))


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
        return json.dumps(line, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Return the fields of a record, and the id of the request that it is about; it is formatted in the same task."""
    fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if request := request_id.current():
        fields["request"] = request
    return fields


def _one_word(value: object) -> str:
    """Return the value as one word, so that it cannot forge a line."""
    text = str(value)
    return text if text.isprintable() and text and " " not in text else json.dumps(text)
