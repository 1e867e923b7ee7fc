"""A simulated Slack: `async with SimSlack() as slack`, then `await slack.command(slack.alice, slack.alerts, "…")`."""

from bot.sim.faults import Answer, Drip, Fault, For, Hang, ResetAfterReading, ResetBeforeReading, Slow
from bot.sim.slack.delivery import Delivery
from bot.sim.slack.faults import api_error, expired_url, rate_limited, server_error
from bot.sim.slack.history import Message, Source
from bot.sim.slack.http_transport import Answered
from bot.sim.slack.interactions import ABSENT
from bot.sim.slack.methods import ApiCall
from bot.sim.slack.people import tokens_revoked
from bot.sim.slack.rules import Rule
from bot.sim.slack.simulator import SimSlack
from bot.sim.slack.socket_mode import Reason
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
    "Answer",
    "Answered",
    "ApiCall",
    "Channel",
    "ChannelKind",
    "Delivery",
    "Drip",
    "Enterprise",
    "Fault",
    "For",
    "Hang",
    "Installation",
    "Message",
    "NotPossibleError",
    "Reason",
    "ResetAfterReading",
    "ResetBeforeReading",
    "Rule",
    "Shortcut",
    "SimSlack",
    "SlashCommand",
    "Slow",
    "Source",
    "User",
    "View",
    "Workspace",
    "api_error",
    "expired_url",
    "rate_limited",
    "server_error",
    "tokens_revoked",
]
