"""What reaches the bot: Slack's requests, alerts of programs, browsers that install the app, an operator's probes."""
