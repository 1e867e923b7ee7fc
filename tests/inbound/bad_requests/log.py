"""Everything that the bot logs at DEBUG, as it is emitted."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field

from bot.logs import JsonFormatter, TextFormatter, configure


@dataclass(slots=True)
class Log:
    """What came since it was last read; `stderr` is the stream of the bot's own handler."""

    stderr: io.StringIO
    records: list[logging.LogRecord] = field(default_factory=list)

    def read(self) -> str:
        """All text: what stood on stderr, and every record in both formats with all it carries. Then forget it."""
        formatters = (TextFormatter(), JsonFormatter())
        lines = [formatter.format(record) for record in self.records for formatter in formatters]
        lines += [f"{record.msg!r} {record.args!r}" for record in self.records]
        text = "\n".join([self.stderr.getvalue(), *lines])
        self.records.clear()
        self.stderr.seek(0)
        self.stderr.truncate()
        return text


class _Collector(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__(logging.NOTSET)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.records.append(record)


@contextmanager
def logging_at_debug() -> Iterator[Log]:
    """Configure logging as LOG_LEVEL=DEBUG does, and put everything back at the end."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {
        name: logger.level for name, logger in root.manager.loggerDict.items() if isinstance(logger, logging.Logger)
    }
    root.handlers = []  # or configure() would close pytest's
    stderr = io.StringIO()
    try:
        with redirect_stderr(stderr):
            configure("DEBUG", "text")
        log = Log(stderr)
        root.addHandler(_Collector(log))
        yield log
    finally:
        root.handlers, root.level = handlers, level
        for name, logger in root.manager.loggerDict.items():
            if isinstance(logger, logging.Logger):
                logger.setLevel(levels.get(name, logging.NOTSET))
        root.setLevel(level)
