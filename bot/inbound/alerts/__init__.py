"""Alerts of other programs, over HTTP."""
