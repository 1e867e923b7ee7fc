"""Simulated Slack and Anchor behind real local servers, for the demo, the tests and the benchmarks.

They import nothing else of the bot, so that they judge it independently.
"""
