"""Requests from Slack, over HTTP and Socket Mode."""
