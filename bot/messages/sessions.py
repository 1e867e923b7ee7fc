"""Sessions in a list, in an overview, and those that alerts did not pause."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from bot.core.cards import HeldContent
from bot.core.history import can_see_all
from bot.core.outcomes import Broken, NoKey, Outcome, Refusal, Unconfirmed
from bot.core.requests import Order, Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Choice, NotRead, Overview, Session, SessionList, Unread, eight_digits
from bot.messages.blocks import (
    Block,
    Message,
    actions,
    context,
    ephemeral,
    from_blocks,
    in_channel,
    section,
    with_buttons,
)
from bot.messages.buttons import (
    READ_LIST,
    ROW,
    again_menu,
    button,
    next_button,
    plain_button,
    session_facts,
    session_line,
    set_key_button,
    several_button,
    spoken_name,
    state_line,
)
from bot.messages.clicked import CardUpdate
from bot.messages.markup import NOT_DONE, channel, code, dashboard, mention, moment, or_in_dashboard, where_and_why
from bot.messages.results import card_update, explain_refusal, outcome_message, waiting_message
from bot.messages.usage import COMMANDS

MOST_RUNNING = 15
"""The most sessions that run and are shown."""

_PAUSE = COMMANDS[Verb.PAUSE]
_NOT_SHOWN = "⛔ *The sessions can't be shown.*"
_NOT_LISTED = "⛔ *Nothing was paused*: the sessions can't be listed."
_LOOKED_FOR = "The bot looked for the session that begins with {}, and the sessions can't be listed."
_ANSWERED = {Unread.RATE_LIMITED, Unread.UNREADABLE}  # then Anchor may take orders
_BY_ID = f"`{_PAUSE} &lt;session_id&gt;` and the buttons on alerts work without this list."
_NOT_READ = {
    Unread.KEY_REJECTED: "Anchor refuses this workspace's API key{status}. Stop agents in {dashboard}. An admin or the "
    "operator of this bot must replace the key.",
    Unread.RATE_LIMITED: "Anchor accepts no more requests for now{status}. Try again in a moment.",
    Unread.UNREACHABLE: "Anchor can't be reached{status}. Try again in a moment, or use {dashboard}.",
    Unread.TIMED_OUT: "Anchor does not answer in time{status}. Try again in a moment, or use {dashboard}.",
    Unread.UNREADABLE: "Anchor's answer could not be understood{status}. Try again, or use {dashboard}.",
}
_MORE_UNREAD = "Not everything could be read, so there can be more."

MOST_PAUSED = 10
"""The most paused sessions that are shown."""

REFRESH = "anchor_refresh_sessions"
"""The `action_id` of the button that reads the sessions again; it has a value if what is paused is first."""

_LONGEST_REASON = 60
NOTHING_PAUSED = "⛔ *Nothing was paused.*"
_BY_CARD = "*Pause* on a card works."

_PAUSED_HEADING = "*Paused by this app*"
_PAUSED_NOTE = "Sessions resumed outside this app still appear here."
_JOURNAL_UNREADABLE = "⚠️ *Paused by this app*: the bot's database does not answer."
_SHOWN_IN = " What you pause or resume here is also shown in {}."
_ELSEWHERE = f"Pausing is allowed only in some channels: send `{_PAUSE}` there."


def reading_message(words: str) -> Message:
    """Return the ack of a command whose answer takes longer than Slack waits."""
    about = f" for {code(words)}" if words else ""
    return ephemeral(
        f"⏳ Looking{about} among the sessions that run… *This pauses nothing yet.* The answer follows here."
    )


def list_message(overview: Overview, words: str, *, dashboard_url: str) -> Message:
    """Return the sessions that were read, or those that `words` choose, each with a button that pauses or resumes."""
    running = overview.running
    assert isinstance(running, SessionList)  # noqa: S101 - see above
    meant = running.meant_by(words)
    matches = meant if isinstance(meant, SessionList) else running  # one that is meant alone is paused at once
    heading = _heading(overview, matches, words)
    if not matches.sessions:
        usage = f"To pause by id: `{_PAUSE} &lt;session_id&gt; [reason]`, {or_in_dashboard(Verb.PAUSE, dashboard_url)}."
        return ephemeral(heading, usage)
    can_choose = len(matches.chosen(choice := Choice(words)).sessions) > 1
    several = [actions(several_button(choice))] if can_choose else []

    def blocks(most: int) -> list[Block]:
        more = _others_text(matches, most)
        advice = f" To see fewer: `{_PAUSE} &lt;tag, domain or key&gt;`." if more else ""
        rows = [part for one in matches.sessions[:most] for part in _row(one, overview, matches.read_at)]
        return [section(heading), *rows, *_notes(f"{more}{advice}"), *several]

    return _with_most_rows(blocks, MOST_RUNNING)


def _with_most_rows(blocks: Callable[[int], list[Block]], most: int) -> Message:
    """Return the message of `blocks`, which takes the most rows, with as many as keep their buttons."""
    for some in range(most, 0, -1):
        message = from_blocks(given := blocks(some))
        if len(message.blocks) == len(given):
            return message
    return from_blocks(blocks(0))


def not_read_text(failure: NotRead, *, dashboard_url: str, ordered: str = "") -> str:
    """Return why Anchor's sessions are not shown, after the verdict about a pause that was `ordered` by words."""
    verdict = _NOT_LISTED if ordered else _NOT_SHOWN
    if digits := eight_digits(ordered):
        verdict = f"{NOT_DONE[Verb.PAUSE]}\n{_LOOKED_FOR.format(code(digits))}"
    status = f" ({failure.status_code})" if failure.status_code else ""
    why = _NOT_READ[failure.why].format(status=status, dashboard=dashboard(dashboard_url))
    return f"{verdict} {why}" + (f"\n{_BY_ID}" if failure.why in _ANSWERED else "")


def list_refusal(refusal: Refusal, *, dashboard_url: str) -> Message:
    """Return why a person sees no sessions."""
    why, advice = explain_refusal(Verb.PAUSE, refusal, dashboard_url=dashboard_url)
    message = ephemeral(f"{_NOT_SHOWN} {why}", advice)
    return with_buttons(message, set_key_button("Set")) if isinstance(refusal, NoKey) and refusal.can_set else message


def _heading(overview: Overview, matches: SessionList, words: str) -> str:
    found, verb = len(matches.sessions), "match" if len(matches.sessions) > 1 else "matches"
    unread = "" if matches.is_complete else f" {_MORE_UNREAD}"
    if not words:
        return f"*{_how_many(overview, is_complete=matches.is_complete)}*.{unread}"
    if not found:
        how_many = _how_many(overview, is_complete=matches.is_complete)
        return f"⛔ *Not paused*: no running session matches {code(words)}. {how_many}.{unread}"
    of_them = of_them_paused(matches.sessions, overview.paused)
    of_all = f"{found} of {len(overview.listed)} running sessions {verb} {code(words)}{of_them}."
    return f"❔ *This pauses nothing yet.* {of_all}{unread}"


def _how_many(overview: Overview, *, is_complete: bool) -> str:
    """Return how many sessions run. Only a complete list shows that none does."""
    if not (count := len(overview.listed)):
        return "None running" if is_complete else "No running session was found"
    of_them = of_them_paused(overview.listed, overview.paused)
    return f"{count_text(count)}{of_them or (' runs now' if count == 1 else ' run now')}"


def of_them_paused(sessions: Iterable[Session], paused: Collection[str] | None) -> str:
    """Return what follows the number of sessions if some of them are paused."""
    ids = {one.id for one in sessions}
    count = len(ids.intersection(paused or ()))
    return f", {f'{count:,} of them ' if len(ids) > 1 else ''}paused by this app" if count else ""


def count_text(count: int, what: str = "session") -> str:
    """Return a number of sessions."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _others_text(shown: SessionList, most: int = MOST_RUNNING) -> str:
    more = len(shown.sessions) - most
    return f"And {more} other{'' if more == 1 else 's'}." if more > 0 else ""


def _row(session: Session, overview: Overview, now: float) -> list[Block]:
    """Return the row of a session: that of a paused one says who paused it, and when."""
    can_pause, own = Verb.PAUSE in overview.allowed, {"block_id": f"{ROW}{session.id}"}
    pause = button(Verb.PAUSE, session.id, name=spoken_name(session))
    if (state := (overview.paused or {}).get(session.id)) is None:
        return [section(session_line(session, now=now), pause if can_pause else None) | own]
    shows_all = can_see_all(state.user_id, viewer_id=overview.viewer_id, is_admin=overview.is_admin)
    rest = where_and_why(state.channel_id, state.reason) if shows_all else "."
    state = state.without_reason()
    about = " · ".join(filter(None, [session_facts(session, now=now), code(session.id[:8])]))
    resume = [next_button(session.id, state, spoken_name(session))] if Verb.RESUME in overview.allowed else []
    controls = [*resume, *([again_menu(session.id)] if can_pause else [])]
    return [section(f"{about}\n{state_line(state)}{rest}"), *([actions(*controls) | own] if controls else [])]


def list_update(order: Order, outcome: Outcome | None, *, now: float, order_id: str) -> CardUpdate:
    """Return the update of a row after an order that was given in it, which is under way without an outcome."""
    if outcome and (update := card_update(order, outcome, now=now, order_id=order_id)):
        return update
    under_way = waiting_message(order, is_recorded=True)
    told = outcome_message(order, outcome, now=now, dashboard_url="") if outcome else under_way
    verb = Verb.PAUSE if isinstance(outcome, Unconfirmed | Broken) else order.verb  # the agent may run
    again = button(verb, order.session_id, version=order.expected_version or "")
    return CardUpdate(order.session_id, told.text.partition("\n")[0], again)


def _notes(*texts: str) -> list[Block]:
    text = " ".join(text for text in texts if text)
    return [context(text)] if text else []


def overview_message(overview: Overview, *, now: float, dashboard_url: str) -> Message:
    """Return both lists, for the person alone, with as many paused sessions as fit into a message."""
    return _with_most_rows(
        lambda most: overview_blocks(overview, now=now, dashboard_url=dashboard_url, most_paused=most), MOST_PAUSED
    )


def overview_blocks(
    overview: Overview, *, now: float, dashboard_url: str, most_paused: int = MOST_PAUSED
) -> list[Block]:
    """Return both lists, and the button that reads them again; `now` is in Unix seconds."""
    read_at = overview.running.read_at if isinstance(overview.running, SessionList) else now
    has_several = Verb.PAUSE in overview.allowed and len(overview.listed) > 1
    running, paused = _running_blocks(overview, dashboard_url), _paused_blocks(overview, now, most_paused)
    refresh = plain_button(REFRESH, "Refresh") | ({"value": "paused first"} if overview.has_paused_first else {})
    return [
        *(paused + running if overview.has_paused_first else running + paused),
        actions(refresh, *([several_button(Choice())] if has_several else [])),
        context(f"As of {moment(read_at)}.{_SHOWN_IN.format(channel(overview.shown_in)) if overview.shown_in else ''}"),
    ]


def _running_blocks(overview: Overview, dashboard_url: str) -> list[Block]:
    running = overview.running
    if isinstance(running, NotRead):
        return [section(not_read_text(running, dashboard_url=dashboard_url))]
    others = replace(running, sessions=tuple(one for one in running.sessions if one.id not in (overview.paused or ())))
    unread = "" if running.is_complete else f" {_MORE_UNREAD}"
    none = "none" if running.is_complete else "no session was found"
    count = count_text(len(others.sessions)) if others.sessions else none
    return [
        section(f"*Running now:* {count}.{unread}"),
        *(part for one in others.sessions[:MOST_RUNNING] for part in _row(one, overview, running.read_at)),
        *_notes(_others_text(others), "" if Verb.PAUSE in overview.allowed else _ELSEWHERE),
    ]


def _paused_blocks(overview: Overview, now: float, most: int) -> list[Block]:
    if overview.paused is None:
        return [section(_JOURNAL_UNREADABLE)]
    if not overview.paused:
        return [section(f"{_PAUSED_HEADING}: none.")]
    more, listed = len(overview.paused) - most, {one.id: one for one in overview.listed}
    shown = [listed.get(SessionId(one)) or Session(id=SessionId(one)) for one in [*overview.paused][:most]]
    rows = [part for one in shown for part in _row(one, overview, now)]
    return [section(f"{_PAUSED_HEADING}:"), *rows, *_notes(f"And {more} more." if more > 0 else "", _PAUSED_NOTE)]


def held_message(content: HeldContent) -> Message:
    """Return the message about sessions that alerts did not pause, with the button that lets people pause them."""
    alerts = [f"{number} by {_asked_by(why, by)}" for why, by, number in content.alerts]
    others = content.count - sum(number for *_, number in content.alerts)
    not_paused = f"Not paused: {', '.join([*alerts, *([f'{others} by others'] if others else [])])}."
    if content.calls:
        top = f"⛔ *Not paused automatically: {count_text(content.count, 'more session')}.* The agents may still run."
        message = in_channel(top, not_paused, f"*Read the list* shows all that run. {_BY_CARD}")
        return with_buttons(message, plain_button(READ_LIST, "Read the list"))
    message = in_channel(
        f"⛔ *Not paused automatically: {count_text(content.count)}.* The agents may still run.",
        f"Pauses of {count_text(content.paused)} were sent within a minute, which is the limit.",
        not_paused,
        f"Alerts with this token pause no further ones until {moment(content.until)}. {_BY_CARD}",
        "*Pause several…* offers those whose alert still fires. Pausing them there ends this limit.",
    )
    return with_buttons(message, several_button(Choice(held_id=content.id)))


def nothing_paused_text(refusal: Refusal, *, dashboard_url: str) -> str:
    """Return why a person cannot have the sessions paused, and what to do next."""
    return "\n".join([NOTHING_PAUSED, *explain_refusal(Verb.PAUSE, refusal, dashboard_url=dashboard_url)])


def _asked_by(reason: str, user_id: str) -> str:
    return f"{code(reason, limit=_LONGEST_REASON)} from {mention(user_id)}"
