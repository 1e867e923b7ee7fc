"""A signed click with a response_url that is not Slack's: the bot must not call it, and sends a direct message."""

from bot.messages.request_errors import as_direct_message, unknown_action_message
from inbound.bad_requests.case import Case
from inbound.bad_requests.valid_requests import ALERTS, TRAP, click

_URLS = {
    "of another host": f"http://{TRAP}/commands/T0HOME00001/1/a",
    "of another host, over TLS": f"https://{TRAP}/commands/T0HOME00001/1/a",
    "with Slack's host as the user's name": f"http://hooks.slack.com@{TRAP}/commands",
    "with a backslash": f"http://{TRAP}\\@hooks.slack.com/commands",
    "with Slack's host as the fragment": f"http://{TRAP}#@hooks.slack.com/",
    "with Slack's host as the query": f"http://{TRAP}?hooks.slack.com/",
    "without a scheme": f"//{TRAP}/commands",
    "with a space in front": f" http://{TRAP}/commands",
    "with a line break": f"http://{TRAP}/commands\r\nX-Header: yes",
    "of a file": "file:///etc/passwd",
    "of a name that is none": "http://xn--\u00fc.\u2028/",
    "that is no URL": "ok",
    "that has a NUL": "http://127.0.0.1\0/",
}

RECIPIENTS = tuple(f"U0SSRF{number:05}" for number in range(len(_URLS)))
"""One person each, since the bot may write to a person once a second."""

CASES = tuple(
    Case(
        name=f"a button whose response_url is {name}",
        dm_text=as_direct_message(unknown_action_message(), ALERTS).text,
        dm_user=user,
        body=click(response_url=url, user={"id": user}),
    )
    for (name, url), user in zip(_URLS.items(), RECIPIENTS, strict=True)
)
