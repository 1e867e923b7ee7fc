"""Secrets that must never be logged: whatever in tests is a key, a token or a URL that gives its holder a right."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from bot.logs import JsonFormatter, TextFormatter, configure

_SECRETS = re.compile(
    r"sk-[\w-]{4,}"  # Anchor's keys
    r"|xox[a-z]*[.-]\w[\w.-]+|xapp-\w[\w-]+"  # Slack's tokens
    r"|https?://[^\s\"']+/(?:commands|actions|app)/T[^\s\"']+"  # response URLs
    r"|simulated-client-secret|8f742231b10e8888abcd99yyyzzz85a5"  # of the app
    r"|s3cret[\w-]*|of-the-demo-only"  # of alerts
    r"|gAAAA[\w-]{20,}"  # what is encrypted at rest
)


def leaks(text: str) -> list[str]:
    return _SECRETS.findall(text)


class Listener(logging.Handler):
    """Hears everything, as it would be written, tracebacks and all; `leaked` has the lines with a secret in them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(TextFormatter())
        self.leaked: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if leaks(line):
            self.leaked.append(line)


class DebugLog(logging.Handler):
    """Keeps what is logged since it was last read, in every format and with all it carries."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [TextFormatter().format(record), JsonFormatter().format(record), f"{record.msg} {record.args!r}"]

    def read(self) -> str:
        lines, self.lines = self.lines, []
        return "\n".join(lines)


@contextmanager
def logging_at_debug() -> Iterator[DebugLog]:
    """Configure logging as LOG_LEVEL=DEBUG does, and restore it at the end."""
    root, log = logging.getLogger(), DebugLog()
    handlers, levels = root.handlers, {logger: logger.level for logger in _loggers()}
    root.handlers = []  # configure() would close pytest's
    configure("DEBUG", "text")
    root.handlers = [log]
    yield log
    root.handlers = handlers
    for logger in _loggers():
        logger.setLevel(levels.get(logger, logging.NOTSET))


def _loggers() -> list[logging.Logger]:
    root = logging.getLogger()
    return [root, *(one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
