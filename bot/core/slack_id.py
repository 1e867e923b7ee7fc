"""How Slack writes the ids of workspaces, channels and people."""

import re

SLACK_ID = re.compile(r"[A-Z0-9]{2,40}", re.ASCII)
"""Any of them, whole."""

USER_ID = re.compile(r"[UW][A-Z0-9]{2,30}", re.ASCII)
"""How the id of a person looks."""
