"""The demo: the real bot between a simulated Slack and a simulated Anchor."""
