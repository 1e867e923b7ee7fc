"""Slack's markup, and the phrases that several messages use."""

import html
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.core.orders import FORGOTTEN, Verb, operator_name, program_name
from bot.core.permissions import PAUSE_SEVERAL, Policy, Rule

_KEPT_FORMAT_CHARACTERS = {"\N{ZERO WIDTH JOINER}"}  # joins emoji
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_LONGEST_NAME = 40
_MATH = {char: unicodedata.normalize("NFKC", chr(char)) for char in range(0x1D400, 0x1D800)}  # letters as if formatted
_BLANK_LINES = re.compile(r"\n{3,}")
_FORMATTING = re.compile(r"[*~`]|_+")
_LITERAL = {"*": "\N{ASTERISK OPERATOR}", "~": "\N{TILDE OPERATOR}", "`": "'", "_": "\N{MODIFIER LETTER LOW MACRON}"}
_EMOJI_NAME = re.compile(r":[^\s:]{1,100}:")  # Slack shows it as the emoji
_LOOKS_BLANK = "\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}"
_OTHER_SIGNS = {*_LITERAL.values(), *_LOOKS_BLANK}
_NOTHING = "(nothing readable)"
QUOTE = "&gt; "  # the beginning of a line in a quote
IN_HOME = "in this app's Home tab"

_DO = {Verb.PAUSE: "stop", Verb.RESUME: "resume", Verb.END: "end"}  # without the bot
MOST_NAMED = 40  # the most people, and channels, that fit into a section, with ids of any length


def plain(text: str, *, limit: int = 300) -> str:
    """Escape untrusted text on one line, without hidden or control characters, of at most `limit` UTF-16 units."""
    return fit(html.escape(_clean(text), quote=False), limit)


def one_line(text: str, *, limit: int) -> str:
    """Return untrusted text for a plain_text object: on one line, of at most `limit` UTF-16 units, not escaped."""
    cleaned = _clean(text)
    return cleaned if width(cleaned) <= limit else f"{_first(cleaned, limit - 1).rstrip()}…"


def code(text: str, *, limit: int = 200) -> str:
    """Escape untrusted text as a code span. Backticks, which would end the span, become quotes."""
    return f"`{plain(text.replace('`', chr(39)), limit=limit) or _NOTHING}`"


def literal(text: str, *, limit: int) -> str:
    """Escape a program's text on one line, without formatting, and without signs like those of the bot at its start."""
    return fit(html.escape(without_signs(text), quote=False), limit)


def quoted(text: str, *, limit: int) -> str:
    """Quote a program's text with its line breaks, each line as `literal`, of at most `limit` UTF-16 units."""
    cleaned = "\n".join(map(without_signs, text.splitlines()))
    shown = html.escape(_BLANK_LINES.sub("\n\n", cleaned).strip(), quote=False) or _NOTHING
    return fit("\n".join(f"{QUOTE}{line}" for line in shown.split("\n")), limit)


def without_signs(text: str) -> str:
    """Return a program's text on one line, without formatting, and without signs like those of the bot at its start."""
    line, start = _FORMATTING.sub(_as_literal, _clean(text).translate(_MATH)), 0
    while start < len(line):
        if emoji := _EMOJI_NAME.match(line, start):
            start = emoji.end()
        elif _is_sign(line[start]):
            start += 1
        else:
            break
    return line[start:]


def _as_literal(found: re.Match[str]) -> str:
    """Return characters that format nothing and look like these. Underscores within a word format nothing."""
    text, (start, end) = found.string, found.span()
    if text[start] == "_" and text[start - 1 : start].isalnum() and text[end : end + 1].isalnum():
        return found[0]
    return _LITERAL[text[start]] * (end - start)


def _is_sign(char: str) -> bool:
    """Return whether a character is a symbol, is invisible, or begins a quote or the name of an emoji."""
    if char.isascii():
        return char in " >:"
    category = unicodedata.category(char)
    return category in {"So", "Sm", "Sk", "Cf"} or category[0] == "M" or char in _OTHER_SIGNS


def width(text: str) -> int:
    """Return the length of `text` in UTF-16 units."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def fit(text: str, limit: int) -> str:
    """Return escaped mrkdwn of at most `limit` UTF-16 units: if it is longer, cut between characters and markup."""
    if 2 * len(text) <= limit or width(text) <= limit:
        return text
    first = _first(text, limit - 1)
    for begins, ends in ("<>", "&;"):  # of links and mentions, and of entities
        if first.rfind(begins) > first.rfind(ends):
            first = first[: first.rfind(begins)]
    return f"{first.rstrip()}…"


def _first(text: str, units: int) -> str:
    return text.encode("utf-16-le", errors="surrogatepass")[: 2 * units].decode("utf-16-le", errors="ignore")


def link(url: str, label: str) -> str:
    """Return a link to an http or https URL with a label of ours."""
    return f"<{html.escape(url, quote=False).replace('|', '%7C')}|{label}>"


def mention(user_id: str) -> str:
    """Mention a person, which notifies them. Programs and users of the operating system have only a name."""
    if (name := operator_name(user_id)) is not None:
        return f"{code(name, limit=_LONGEST_NAME)} (command line)"
    if (name := program_name(user_id)) is not None:
        return f"alerts of {code(name, limit=_LONGEST_NAME)}"
    return user_id if user_id.startswith(FORGOTTEN) else f"<@{user_id}>"


def group(group_id: str) -> str:
    """Mention a user group, which notifies its people in a message, and nobody in a view."""
    return f"<!subteam^{group_id}>"


def channel(channel_id: str) -> str:
    """Name a conversation."""
    return f"<#{channel_id}>"


def place(channel_id: str) -> str:
    """Name a conversation in a sentence."""
    return "a direct message" if channel_id.startswith("D") else channel(channel_id)


def session(session_id: str) -> str:
    """Name a session by its whole id."""
    return f"Session {code(session_id)}"


def moment(unix_seconds: float, form: str = "{date_short_pretty} at {time}") -> str:
    """Return a date and time in each reader's own time zone."""
    in_utc = datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(unix_seconds)}^{form}|{in_utc}>"


def time_of(unix_seconds: float) -> str:
    """Return the same, the time first: it follows *by* or *at*."""
    return moment(unix_seconds, "{time}, {date_short_pretty}")


def printable(text: str, *, limit: int) -> str:
    """Return the first `limit` characters, with a space for each control character."""
    return "".join(char if char.isprintable() else " " for char in text[:limit])


def _clean(text: str) -> str:
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    visible = (
        char
        if char in _KEPT_FORMAT_CHARACTERS or unicodedata.category(char) not in _UNPRINTABLE or char.isspace()
        else ""
        for char in text
    )
    return " ".join("".join(visible).split())


DASHBOARD = link("https://app.anchorbrowser.io/sessions", "Anchor's dashboard")


def now_in_dashboard(verb: Verb) -> str:
    """Return the advice to do it without the bot, because that takes no repair."""
    what = "session" if verb is Verb.END else "agent"
    return f"{_DO[verb].capitalize()} the {what}{' now' if verb is Verb.PAUSE else ''} in {DASHBOARD}."


def or_in_dashboard(verb: Verb) -> str:
    """Return the end of an advice: the way to do it without the bot."""
    return f"or {_DO[verb]} it in {DASHBOARD}"


def does(what: str) -> str:
    """Return what people do with an order, by its verb, as a part of a sentence."""
    return "end sessions" if what == Verb.END else what


def who_can(verb: Verb, rule: Rule) -> str:
    """Return one line of mrkdwn: who is allowed to do it, and where."""
    who = some(map(mention, sorted(rule.users)), most=MOST_NAMED)
    if verb is Verb.END:
        return f"*Who can {does(verb)}:* {who or 'admins and owners of this workspace'}."
    who = who or "everyone in this workspace"
    where = some(map(channel, sorted(rule.channels)), most=MOST_NAMED)
    return f"*Who can {verb}:* {who}, {f'only in {where}' if where else 'anywhere in Slack'}."


def who_can_what(policy: Policy) -> list[str]:
    """Return the lines about all permissions."""
    pause, *others = [who_can(verb, rule) for verb, rule in policy.rules.items()]
    of_them = some(map(mention, sorted(policy.pause_several)), most=MOST_NAMED)
    return [pause, *([f"*Who of them can {PAUSE_SEVERAL}:* {of_them}."] if of_them else []), *others]


def counted(number: int, what: str = "session") -> str:
    """Return a number of things, like 1 session or 2,000 agents."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def joined(*facts: str) -> str:
    """Join the facts of a line, but for empty ones."""
    return " · ".join(fact for fact in facts if fact)


def some(names: Iterable[str], *, most: int) -> str:
    """Join names to a readable list; after `most` names, say how many more there are."""
    listed = list(names)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
