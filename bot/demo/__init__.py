"""The demo: the real bot between a simulated Slack and a simulated Anchor, as a transcript or as a page to use."""

from bot.demo.serve import serve, until_signal
from bot.demo.transcript import play

__all__ = ["play", "serve", "until_signal"]
