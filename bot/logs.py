"""The log: formats for stderr, and levels that keep secrets of libraries out of it."""

import json
import logging
import time

_STANDARD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})
_LIBRARIES = {
    "aiohttp": logging.WARNING,
    "aiohttp.server": logging.CRITICAL,  # it logs the bytes of invalid requests; `HttpServer` handles our own errors
    "aiosqlite": logging.WARNING,  # at DEBUG it logs statements with values
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
    "httpx": logging.WARNING,  # at INFO it logs every URL, also response URLs
    "psycopg": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "slack_sdk": logging.WARNING,  # at DEBUG it logs whole requests
    "slack_bolt": logging.ERROR,  # its warnings repeat bodies
}


def configure(level: str, log_format: str) -> None:
    """Log to stderr from `level` on, as "text" or "json".

    Libraries keep their own levels: below those they log secrets.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, library_level in _LIBRARIES.items():
        logging.getLogger(name).setLevel(library_level)


class TextFormatter(logging.Formatter):
    """Formatter for people: a line of time, level, message, and the fields as name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Return the line without the traceback."""
        fields = "".join(f" {name}={_one_word(value)}" for name, value in _fields(record).items())
        return super().formatMessage(record).replace("\n", "\\n") + fields


class JsonFormatter(logging.Formatter):
    """Formatter for machines: a JSON object per line, with time in Unix seconds and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole line."""
        line = {
            "time": round(record.created, 3),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _one_word(value: object) -> str:
    """Return the value as one word, so that it cannot forge a line."""
    text = str(value)
    return text if text.isprintable() and text and " " not in text else json.dumps(text)
