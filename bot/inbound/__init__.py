"""What reaches the bot: Slack's requests, and an operator's probes."""
