"""Secrets that must never be logged: whatever in tests is a key, a token or a URL that gives its holder a right."""

import re

_SECRETS = re.compile(
    r"sk-[\w-]{4,}"  # Anchor's keys
    r"|xox[a-z]*[.-]\w[\w.-]+|xapp-\w[\w-]+"  # Slack's tokens
    r"|https?://[^\s\"']+/(?:commands|actions|app)/T[^\s\"']+"  # response URLs
    r"|simulated-client-secret|8f742231b10e8888abcd99yyyzzz85a5"  # of the app
    r"|s3cret[\w-]*|of-the-demo-only"  # of alerts
    r"|gAAAA[\w-]{20,}"  # what is encrypted at rest
)


def leaks(text: str) -> list[str]:
    return _SECRETS.findall(text)
