"""Everything that the bot logs at DEBUG."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bot.logs import JsonFormatter, TextFormatter, configure


class CapturedLog(logging.Handler):
    """Keeps the records since it was last read."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self._records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)

    def read(self) -> str:
        """All records in every format, with all they carry. Then forget them."""
        records, self._records = self._records, []
        lines = [formatter.format(record) for record in records for formatter in (TextFormatter(), JsonFormatter())]
        return "\n".join([*lines, *(f"{record.msg!r} {record.args!r}" for record in records)])


@contextmanager
def logging_at_debug() -> Iterator[CapturedLog]:
    """Configure logging as LOG_LEVEL=DEBUG does, and restore it at the end."""
    root = logging.getLogger()
    handlers, levels = root.handlers, {logger: logger.level for logger in (root, *_loggers())}
    root.handlers = []  # configure() would close pytest's
    try:
        configure("DEBUG", "text")
        log = CapturedLog()
        root.handlers = [log]
        yield log
    finally:
        root.handlers = handlers
        for logger in (root, *_loggers()):
            logger.setLevel(levels.get(logger, logging.NOTSET))


def _loggers() -> list[logging.Logger]:
    return [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
