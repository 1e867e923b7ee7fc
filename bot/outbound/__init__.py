"""What the bot reaches: Anchor and Slack."""
