"""Simulated Slack and Anchor behind real local servers, for the demo and the tests.

They import nothing else of the bot, so that they judge it independently.
"""
