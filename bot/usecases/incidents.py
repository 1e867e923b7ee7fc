"""Report unexpected exceptions: log them under an incident id, and tell the person that id."""

import logging
import secrets

from bot.messages.message import Message
from bot.messages.request_errors import incident_message

_log = logging.getLogger(__name__)


def log_incident(error: Exception) -> str:
    """Log the traceback under a new incident id, and return the id."""
    incident_id = secrets.token_hex(4)
    _log.error("unexpected exception", extra={"incident": incident_id}, exc_info=error)
    return incident_id


def report(error: Exception) -> Message:
    """Log the traceback, and return a message with the incident id for the person."""
    return incident_message(log_incident(error))
