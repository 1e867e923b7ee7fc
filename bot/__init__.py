"""Anchor chat-ops bot: pause an AI agent's Anchor Browser session from Slack."""

__version__ = "0.1.0"
