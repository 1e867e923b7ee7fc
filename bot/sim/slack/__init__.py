"""A simulated Slack: `async with SimSlack() as slack`, then `await slack.command(slack.alice, slack.alerts, "…")`."""

from bot.sim.faults import Answer, Drip, Fault, Faults, For, Hang, HugeBody, ResetAfterReading, ResetBeforeReading, Slow
from bot.sim.slack.delivery import Ack, Delivery
from bot.sim.slack.history import ButtonRef, Clock, Message, Moment, Source
from bot.sim.slack.http_transport import Answered
from bot.sim.slack.interactions import ABSENT
from bot.sim.slack.methods import ApiCall
from bot.sim.slack.people import EventDelivery, tokens_revoked
from bot.sim.slack.platform import Timing
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.simulator import SimSlack, api_error, expired_url, rate_limited, server_error, used_url
from bot.sim.slack.socket_mode import Connection, Reason, Sockets
from bot.sim.slack.views import View
from bot.sim.slack.workspace import (
    Channel,
    ChannelKind,
    Enterprise,
    Installation,
    NotPossibleError,
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
