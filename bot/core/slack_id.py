"""How Slack writes the ids of workspaces, channels and people."""

import re

SLACK_ID = re.compile(r"[A-Z0-9]{2,40}", re.ASCII)
"""Any of them, whole."""
