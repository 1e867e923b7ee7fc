"""Inbound requests: from Slack, alert senders, installing browsers, and health checks."""
