"""Slash commands that Slack would not send, and those that name no session."""

from bot.config.settings import DASHBOARD_URL
from bot.core.requests import Help, read_command
from bot.core.session import RUNNING, Session
from bot.core.session_id import Found, SessionId
from bot.core.session_list import SessionList, words_of
from bot.messages.session_list import list_message
from harness.texts import OTHER_SESSION, SESSION, usage_text
from inbound.bad_requests.case import Case, cases
from inbound.bad_requests.valid_requests import MARK, NOW, command

_TEXTS = {
    "empty": "",
    "missing": None,
    "a NUL": "\0",
    "control characters": "".join(map(chr, range(32))),
    "a call to everybody": "<!channel> <!here> <!subteam^S0GROUP0001|@oncall>",
    "a link with another text": "<https://evil.example.com|Click to resume>",
    "bidirectional overrides": "\u202e\u2066\u2069\u200f" + MARK,
    "zero-width characters": "\u200b\u200c\u200d\ufeff" * 50,
    "combining characters without end": "e" + "\u0301" * 5000,
    "line breaks of all kinds": "a\nb\rc\x0bd\x0ce\x85f\u2028g\u2029h",
    "hexadecimal digits without end": "a-" * 20_000,
    "an id that is too short": SESSION[:-1],
    "two ids": f"{SESSION} {OTHER_SESSION}",
    "a thousand ids": " ".join(f"{number:08x}{SESSION[8:]}" for number in range(1000)),
    "a URL without a session": "https://app.example.com/sessions/none?token=" + MARK,
}

_IDS = {
    "in small letters": "u0alice0001",
    "of one character": "U",
    "of 41 characters": "U" * 41,
    "with markup": "<!channel>",
    "with a newline at its end": "U0ALICE0001\n",
    "in wide letters": "\uff350ALICE0001",
    "in Arabic digits": "U\u0661\u0662\u0663",
    "with spaces around it": " U0ALICE0001 ",
}

_INVALID = {
    **{f"without {field}": command(**{field: None}) for field in ("command", "team_id", "channel_id", "user_id")},
    "with an empty user_id": command(user_id=""),
    **{f"with a user_id {name}": command(user_id=value) for name, value in _IDS.items()},
    **{
        f"with markup as {field}": command(**{field: "<!here>"}) for field in ("team_id", "enterprise_id", "channel_id")
    },
    **{
        f"whose {field} is too long": command(**{field: "a" * 40_001})
        for field in ("command", "text", "response_url", "trigger_id")
    },
    "with two user_ids, the last one bad": command() + b"&user_id=%3C%21here%3E",
}


def _answer(text: str) -> str:
    """The answer to a command with this text: there is one session, which no word matches."""
    problem = read_command(text)
    assert not isinstance(problem, Found | Help)
    words = words_of(problem)
    if words is None:
        return usage_text(problem)
    session = Session(id=SessionId(SESSION), status=RUNNING)
    running = SessionList((session,), is_complete=True, read_at=NOW)
    return list_message(running, running.matching(words), words, dashboard_url=DASHBOARD_URL).text


CASES = (
    *cases(400, "a command", _INVALID),
    *(
        Case(name=f"a command whose text is {name}", ack=_answer(text or ""), body=command(text=text))
        for name, text in _TEXTS.items()
    ),
)
