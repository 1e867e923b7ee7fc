"""A simulated Slack: `async with SimSlack() as slack`, then `await slack.command(slack.alice, slack.alerts, "…")`."""

from bot.sim.faults import Answer, Drip, Fault, Faults, For, Hang, HugeBody, ResetAfterReading, ResetBeforeReading, Slow
from bot.sim.slack.ack import Ack
from bot.sim.slack.click import ABSENT
from bot.sim.slack.clock import Clock, Moment
from bot.sim.slack.delivery import Delivery
from bot.sim.slack.events import EventDelivery, tokens_revoked
from bot.sim.slack.fault_presets import api_error, expired_url, rate_limited, server_error, used_url
from bot.sim.slack.history import ButtonRef, Message, Source
from bot.sim.slack.http_transport import Answered
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.simulator import SimSlack
from bot.sim.slack.socket_mode import Connection, Reason, Sockets
from bot.sim.slack.timing import Timing
from bot.sim.slack.views.view import View
from bot.sim.slack.web_api import ApiCall
from bot.sim.slack.workspace import (
    Channel,
    ChannelKind,
    Enterprise,
    Installation,
    Shortcut,
    SlashCommand,
    User,
    Workspace,
)

__all__ = [
    "ABSENT",
    "Ack",
    "Answer",
    "Answered",
    "ApiCall",
    "ButtonRef",
    "Channel",
    "ChannelKind",
    "Clock",
    "Connection",
    "Delivery",
    "Drip",
    "Enterprise",
    "EventDelivery",
    "Fault",
    "Faults",
    "For",
    "Hang",
    "HugeBody",
    "Installation",
    "Message",
    "Moment",
    "NotPossibleError",
    "Reason",
    "ResetAfterReading",
    "ResetBeforeReading",
    "Rule",
    "Shortcut",
    "SimSlack",
    "SlashCommand",
    "Slow",
    "Sockets",
    "Source",
    "Timing",
    "User",
    "View",
    "Violation",
    "Workspace",
    "api_error",
    "expired_url",
    "rate_limited",
    "server_error",
    "tokens_revoked",
    "used_url",
]
