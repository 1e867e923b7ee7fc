"""Alerts from other programs, over HTTP."""
