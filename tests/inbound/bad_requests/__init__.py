"""Requests that nobody should send, by theme; `corpus` has all of them, and README.md says how to add one."""
