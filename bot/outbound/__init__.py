"""What the bot reaches: Anchor, Slack, its database, and for `anchor-bot alert` another bot."""
