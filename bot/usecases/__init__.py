"""Use cases, shared by every inbound surface."""
