"""Slack's side of Socket Mode: envelopes over websockets that the app opens.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from bot.sim.slack.socket_mode.connection import Connection
from bot.sim.slack.socket_mode.envelopes import Envelope
from bot.sim.slack.socket_mode.sockets import Reason, Sockets

__all__ = ["Connection", "Envelope", "Reason", "Sockets"]
