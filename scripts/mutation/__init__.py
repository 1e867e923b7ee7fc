"""Mutation testing: break one point of the bot at a time, and see whether a test fails."""
