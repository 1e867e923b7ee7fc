"""Slack's Web API as the app calls it: one file per family of methods."""

from bot.sim.slack.web_api.call import ApiCall
from bot.sim.slack.web_api.server import WebApi

__all__ = ["ApiCall", "WebApi"]
