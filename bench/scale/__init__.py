"""Simulate an hour of many workspaces with a clock of its own, and measure what PostgreSQL takes for a claim."""
