"""Modals and Home tabs: what is on them, what apps do to them, and what people do in them.

https://docs.slack.dev/surfaces/modals
https://docs.slack.dev/surfaces/app-home
"""
