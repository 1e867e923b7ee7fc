"""Signed, with a response_url that is not Slack's: the bot must not go there, and tells the person another way."""

from urllib.parse import quote

from inbound.bad_requests.case import Case
from inbound.bad_requests.ingredients import TRAP, click

_URLS = {
    "of another host": f"http://{TRAP}/commands/T0HOME00001/1/a",
    "of another host, over TLS": f"https://{TRAP}/commands/T0HOME00001/1/a",
    "with Slack's host as the user's name": f"http://hooks.slack.com@{TRAP}/commands",
    "with Slack's host as user and password": f"http://hooks.slack.com:443@{TRAP}/commands",
    "with a backslash": f"http://{TRAP}\\@hooks.slack.com/commands",
    "with Slack's host as the fragment": f"http://{TRAP}#@hooks.slack.com/",
    "with Slack's host as the query": f"http://{TRAP}?hooks.slack.com/",
    "of an unknown scheme": f"gopher://{TRAP}/commands",
    "of a file": "file:///etc/passwd",
    "without a scheme": f"//{TRAP}/commands",
    "with a space in front": f" http://{TRAP}/commands",
    "with a line break": f"http://{TRAP}/commands\r\nX-Header: yes",
    "of an address of a cloud's metadata": "http://169.254.169.254/latest/meta-data",
    "like Slack's, but longer": "https://hooks.slack.com.example.invalid/commands/T0HOME00001/1/a",
    "like Slack's, with a prefix": "https://evilslack.com.invalid/commands",
    "of Slack without TLS": "http://hooks.slack.com/commands/T0HOME00001/1/a",
    "of Slack at another port": "https://hooks.slack.com:8443/commands/T0HOME00001/1/a",
    "of an impossible port": "http://127.0.0.1:99999999/commands",
    "of an address that is none": "http://[::1/commands",
    "of a name that is none": "http://xn--\u00fc.\u2028/",
    "that is no URL": "ok",
    "that has a NUL": "http://127.0.0.1\0/",
}

LURED = tuple(f"U0LURED{number:04}" for number in range(len(_URLS)))
"""One person each, since the bot may write to a person once a second."""

CASES = tuple(
    Case(
        name=f"a button whose response_url is {what}",
        status=200,
        tells="I don't know this button",
        told_to=user,
        body=click(response_url=url, user={"id": user}).replace(quote(TRAP).encode(), TRAP.encode()),
    )
    for (what, url), user in zip(_URLS.items(), LURED, strict=True)
)
