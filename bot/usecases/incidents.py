"""Report unexpected exceptions: log them under the id of the request, and tell the person that id."""

import logging

from bot import request_id
from bot.messages.blocks import Message
from bot.messages.results import incident_message

_log = logging.getLogger(__name__)


def log_incident(error: Exception) -> str:
    """Log the traceback under the id of the request, or under a new one, and return it."""
    incident_id = request_id.current() or request_id.new_id()
    _log.error("unexpected exception", extra={"incident": incident_id}, exc_info=error)
    return incident_id


def report(error: Exception) -> Message:
    """Log the traceback, and return a message with the incident id for the person."""
    return incident_message(log_incident(error))
