"""What happens to an exception that nobody foresaw."""

import logging
import secrets

from bot.core.messages.message import Message
from bot.core.messages.notices import incident_message

_log = logging.getLogger(__name__)


def log_incident(error: Exception) -> str:
    """Log the traceback under a new incident id, and return the id."""
    incident_id = secrets.token_hex(4)
    _log.error("unforeseen exception", extra={"incident": incident_id}, exc_info=error)
    return incident_id


def report(error: Exception) -> Message:
    """Log the traceback under a new incident id, and return what to say to the person, with the same id."""
    return incident_message(log_incident(error))
