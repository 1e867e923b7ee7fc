"""Use cases of workspace admins in Slack."""
