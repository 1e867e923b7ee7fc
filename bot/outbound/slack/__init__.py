"""Clients of Slack's Web API and response URLs."""
