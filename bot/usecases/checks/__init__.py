"""Checks of `anchor-bot doctor`: each returns findings, and raises nothing that the network causes."""
