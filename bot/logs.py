"""What the bot writes to stderr, and what no library may write there."""

import json
import logging
import time

_STANDARD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})

_LIBRARIES = {
    "aiohttp": logging.WARNING,
    "aiohttp.server": logging.CRITICAL,  # of a request that is no HTTP, it logs what was sent; ours end in `Http`
    "aiosqlite": logging.WARNING,  # at DEBUG it logs statements with their values
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
    "httpx": logging.WARNING,  # at INFO it logs every URL, so response URLs
    "psycopg": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "slack_sdk": logging.WARNING,  # at DEBUG it logs requests whole
    "slack_bolt": logging.ERROR,  # its warnings repeat bodies
}


def configure(level: str, log_format: str) -> None:
    """Log to stderr: `level` is a name of the logging module, `log_format` is "text" or "json".

    Libraries are held to their own levels whatever ours is: what they say below those carries secrets.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, pinned in _LIBRARIES.items():
        logging.getLogger(name).setLevel(pinned)


class TextFormatter(logging.Formatter):
    """One line for people: time, level, message, then the fields as name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """The line without the traceback."""
        fields = "".join(f" {name}={_one_word(value)}" for name, value in _fields(record).items())
        return super().formatMessage(record).replace("\n", "\\n") + fields


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (Unix seconds), level, logger, message, the fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The whole line."""
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
    """The value as one word of one line, so that no line can be forged through it."""
    text = str(value)
    return text if text.isprintable() and text and " " not in text else json.dumps(text)
