"""The demo's page: a Slack channel in the browser, the agents beside it, and switches to break things with."""
