"""The answer to an order: its outcome, a refusal, or an error."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from bot.core import outcomes
from bot.core.outcomes import WhyNot
from bot.core.policy import PAUSE_MANY, NotAdmin, NotAMember, NotHere, NotNamed, Role, RoleUnknown, ScopeMissing
from bot.core.requests import Order, Source, Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import PHASES, Phase, Session, SessionState
from bot.messages import buttons, markup
from bot.messages.blocks import Block, Message, ephemeral, in_channel, plain_text, section, with_buttons
from bot.messages.checks import APP_SETTINGS_URL
from bot.messages.clicked import CardUpdate
from bot.messages.usage import COMMANDS

_PAUSE = COMMANDS[Verb.PAUSE]
_Known = dict[str, Any]  # the name of an agent and the version of its session, for buttons

_MOST_SHOWN = 5
_COLLEAGUE = "Ask a member of this workspace"
_NOT_A_MEMBER = {
    Role.GUEST: ("Guests are not allowed to do that here.", "Ask a full member of this workspace"),
    Role.BOT: ("Bots are not allowed to do that.", _COLLEAGUE),
    Role.DEACTIVATED: ("Your account in this workspace is deactivated.", _COLLEAGUE),
    Role.OUTSIDER: (
        "Only members of the workspace that installed this app are allowed to do that.",
        "Ask one of them to press the button",
    ),
}
_BY_ADMIN = f"An admin can set it {markup.IN_HOME}."
_BY_REINSTALL = "An admin must reinstall this app (it lacks `users:read`) and set the key."
_BY_OPERATOR = "The operator of the bot can set it up."
_NO_KEY = "This workspace has no Anchor API key yet."
_NO_SCOPE = "This app lacks the scope `users:read`, so only named people can {what}."
_REFUSALS = {
    RoleUnknown: (
        "Slack did not say whether you are a member of this workspace.",
        "Try again, use `anchor-bot {verb} ID` where the bot runs",
    ),
    outcomes.StoreUnavailable: ("The bot can't read its database, and sent nothing.", "Try again in a moment"),
    outcomes.Overloaded: ("The bot has too many requests, and sent nothing.", "Try again in a few seconds"),
    outcomes.Stopping: ("The bot is being restarted, and sent nothing.", "Try again in a minute"),
}

_HAS_ENDED = {
    WhyNot.ENDING: ("is ending", f"`{_PAUSE}` still reaches it."),
    WhyNot.ENDED: ("has ended", ""),
}
_LIMITS = {
    outcomes.TooManyResumes: "You resumed too many sessions within a minute.",
    outcomes.TooManyRepeats: "You resumed this session too many times within 10 seconds.",
}
_UNREACHABLE = {
    outcomes.Unreachable.NO_CONNECTION: "Anchor can't be reached; nothing was sent.",
    outcomes.Unreachable.OUT_OF_SERVICE: "Anchor is out of service (503); nothing was done.",
}
_DOUBTS = {
    outcomes.Doubt.TIMED_OUT: "Anchor did not answer in time",
    outcomes.Doubt.CONNECTION_LOST: "The connection to Anchor broke before its answer came",
    outcomes.Doubt.GATEWAY: "A gateway answered in Anchor's place",
    outcomes.Doubt.UNREADABLE: "Anchor's answer could not be understood",
    outcomes.Doubt.CONTRADICTED: "Anchor's answer contradicts itself",
    outcomes.Doubt.STOPPED: "The bot was stopped while it waited for Anchor",
    outcomes.Doubt.RACED: "Anchor confirmed it, but an opposite request is still unanswered",
    outcomes.Doubt.STILL_LISTED: "Anchor accepted it and still lists the session",
    outcomes.Doubt.NOT_READ: "Anchor accepted it, and does not say whether the session has ended",
}
_AFTER_DOUBT = {
    Verb.PAUSE: "Try again (pausing twice does no harm), or check it in {dashboard}.",
    Verb.RESUME: "Check it in {dashboard} before you try again: it may have been paused since.",
    Verb.END: "Try again (ending twice does no harm), or check it in {dashboard}.",
}
_NEW_KEY = {
    True: f"An admin can replace the key {markup.IN_HOME}.",
    False: "The operator of this bot can replace the key.",
}
CARD_NOT_UPDATED = "⚠️ The message with the button could not be updated: Slack refused it. Its button is out of date."
CARD_LOST = (
    "⚠️ An older message about this session can no longer be updated: Slack refuses it. Its button is out of date."
)
"""Lines of a result: Slack did not let the bot update the clicked message, or lets nobody update a card any more."""
OVERTAKEN = "🔹 A newer request has changed this session since."
NOT_RECORDED = "⚠️ The bot's database did not answer, so this pause is not recorded."
"""Notes of a result: it is told late, or the database has no record of the pause that was sent."""
_EXTERNAL = "⚠️ A program outside of Anchor may still control this browser: the pause reaches only Anchor's own agent."
_SERVER_ERROR, _LONGEST_QUOTE = 500, 300
_PRODUCED = {
    Verb.PAUSE: frozenset({"success", "ok", "paused"}),
    Verb.RESUME: frozenset({"success", "ok", "resumed", "running"}),
}
_CHECK = {Verb.PAUSE: "the agent has stopped", Verb.RESUME: "the agent goes on"}


def unknown_command_message(command: str) -> Message:
    """Return the answer to an unknown command."""
    return ephemeral(f"Unknown command {markup.code(command)}: nothing was done.", f"Try `{_PAUSE} help`.")


def unknown_action_message(session_id: SessionId | None = None) -> Message:
    """Return the answer to an unknown button, menu or shortcut, perhaps of another version; it can name a session."""
    message = ephemeral("Unknown button or shortcut: nothing was done.", f"To pause a session, use `{_PAUSE}`.")
    if session_id is None:
        return message
    return with_buttons(message, buttons.button(Verb.PAUSE, session_id))


def broken_button_message(verb: Verb, value: str, *, is_legacy: bool = False) -> Message:
    """Return the answer to a button whose value is not one session id; a legacy one is probably Alertmanager's."""
    has = f"{markup.code(value)} instead of a session id" if value else "no session id"
    return ephemeral(
        markup.NOT_DONE[verb],
        f"This button has {has}. Use `{COMMANDS.get(verb, _PAUSE)}`.",
        "The sender of this message must put the id into the button's `value`.",
        "In Alertmanager, the label with the id must be in `group_by`." if is_legacy else "",
    )


UNREADABLE = ephemeral(
    "Slack sent this command in a form that the bot can't read; nothing was done.",
    "Send it again. If that does not help, tell the operator of the bot.",
)


def incident_message(incident_id: str) -> Message:
    """Return the answer after an unexpected exception outside of an order."""
    return ephemeral(
        f"*Something broke in the bot itself* (incident {markup.code(incident_id)}).",
        "It is not known whether your request was carried out.",
        f"Tell the operator of the bot; the log has the details under {markup.code(incident_id)}.",
    )


def as_direct_message(message: Message, channel_id: str) -> Message:
    """Return `message` as a direct message, which says which channel it belongs to, if to any."""
    if not channel_id:
        return message
    why = f"This is for {markup.place(channel_id)}, in case it does not show there."
    blocks = (*message.blocks, section(why)) if message.blocks else ()
    return Message(f"{message.text}\n{why}", message.visibility, blocks)


def _after_refusal(order: Order, refusal: outcomes.Refusal, known: _Known, again: Block) -> list[Block]:
    match refusal:
        case outcomes.NoKey(can_set=True):
            return [buttons.set_key_button("Set")]
        case outcomes.NotSent(why=WhyNot.ENDING | WhyNot.ENDED):
            return []
        case outcomes.NotSent(why=why) if why is not WhyNot.NO_TURN and order.verb is not Verb.END:
            seen = known | {"version": refusal.version or known["version"]}
            return [buttons.button(order.verb, order.session_id, is_asked=True, **seen)]
    can_repeat = RoleUnknown | outcomes.NotSent | outcomes.StoreUnavailable | outcomes.Overloaded | outcomes.Stopping
    return [again] if isinstance(refusal, can_repeat) else []


def _again(order: Order, session: Session | None, known: _Known, now: float) -> Block:
    if order.verb is Verb.END:
        return buttons.end_button(order.session_id, session, now=now) | {"text": plain_text("Try again")}
    return buttons.button(order.verb, order.session_id, label="Try again", **known)


def explain_refusal(verb: Verb, refusal: outcomes.Refusal, *, dashboard_url: str) -> tuple[str, str]:
    """Return the reason, and what to do next: before a repair by somebody else comes what stops the agent now."""
    if repair := _explain_repair(verb, refusal, dashboard_url):
        return repair
    match refusal:
        case NotAMember(role=role):
            why, advice = _NOT_A_MEMBER[role]
        case NotNamed(users=users, many=many):
            what = PAUSE_MANY if many else markup.does(verb)
            why = f"Only {_some(map(markup.mention, sorted(users)))} can {what} in this workspace."
            advice = "Pause each of them alone, ask one of these people" if many else "Ask one of them"
        case outcomes.EndOff(by_admins=by_admins):
            why = "*End session* is off in this workspace."
            advice = (
                f"An admin can turn it on {markup.IN_HOME}" if by_admins else "The operator can set `END_SESSION=on`"
            )
        case NotAdmin():
            why = f"Only admins and owners of this workspace can {markup.does(verb)}."
            advice = "Ask one of them"
        case NotHere(channels=channels):
            why, advice = f"People can {verb} only in {_some(map(markup.channel, sorted(channels)))}.", "Do it there"
        case outcomes.NoKey():
            why, advice = _NO_KEY, "Set it now, and send the command again"
        case outcomes.NotSent():
            why, advice = _why_not_sent(verb, refusal)
        case outcomes.TooManyResumes(retry_after=seconds) | outcomes.TooManyRepeats(retry_after=seconds):
            why = _LIMITS[type(refusal)]
            advice = f"Try again in {math.ceil(seconds)} s"
        case _:
            why, advice = _REFUSALS[type(refusal)]
    return why, f"{advice.format(verb=verb)}, {markup.or_in_dashboard(verb, dashboard_url)}."


def _explain_repair(verb: Verb, refusal: outcomes.Refusal, dashboard_url: str) -> tuple[str, str] | None:
    """Return the same for a refusal that somebody else ends, who repairs the installation or pauses; else None."""
    now, or_there = markup.now_in_dashboard(verb, dashboard_url), markup.or_in_dashboard(verb, dashboard_url)
    match refusal:
        case outcomes.HeldBack(most=most):
            return f"Alerts asked for more than {most} in a minute.", f"Press the button, {or_there}."
        case outcomes.NotSent(why=WhyNot.ENDING | WhyNot.ENDED as why, user_id=user_id, given_at=given_at):
            did, advice = _HAS_ENDED[why]
            return f"{markup.mention(user_id)} {did} this session, {markup.moment(given_at)}: nothing was sent.", advice
        case outcomes.WrongWorkspace():
            return "This bot does not serve your workspace.", f"{now} {_BY_OPERATOR}"
        case outcomes.NoKey(can_set=False, scope_missing=scope_missing):
            return _NO_KEY, f"{now} {_BY_REINSTALL if scope_missing else _BY_ADMIN}"
        case ScopeMissing(install_url=install_url):
            here = f"Use `anchor-bot {verb}` where the bot runs, {or_there}."
            added = markup.link(install_url or APP_SETTINGS_URL, "can add it")
            return _NO_SCOPE.format(what=markup.does(verb)), f"{here} An admin {added}."
    return None


def _why_not_sent(verb: Verb, order: outcomes.NotSent) -> tuple[str, str]:
    if order.why is WhyNot.LATE:
        why = f"Your request was already {order.seconds:.0f} s old, so it was not sent."
        return why, f"To {verb} it now, try again"
    if order.why is WhyNot.NO_TURN:
        return f"It waited behind other requests for {order.seconds:.0f} s, so it was not sent.", "Try again"
    did = "resumed" if order.why is WhyNot.RESUMED_SINCE else "paused" if order.is_confirmed else "asked to pause"
    when = f"{markup.moment(order.given_at)}{markup.where_and_why(order.channel_id, order.reason)}"
    return f"{markup.mention(order.user_id)} has {did} this agent since, {when}", f"To {verb} it anyway, try again"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    is_in_home = _MOST_SHOWN < len(listed) <= markup.MOST_NAMED
    return markup.some(listed, most=_MOST_SHOWN) + (" (see Home)" if is_in_home else "")


def waiting_message(order: Order, *, is_recorded: bool) -> Message:
    """Return the ack of a command whose outcome takes longer than Slack waits."""
    doubt = "" if is_recorded else "⚠️ The bot's database does not answer: a restart of the bot would lose this request."
    return ephemeral(
        f"⏳ {markup.DOING[order.verb]}… The result will be posted here.", doubt, markup.session(order.session_id)
    )


def outcome_message(  # noqa: PLR0913 - all that an answer says
    order: Order,
    outcome: outcomes.Outcome,
    *,
    now: float,
    dashboard_url: str,
    order_id: str = "",
    message_url: str = "",
    known: Session | None = None,
    offers_end: bool = False,
    note: str = "",
) -> Message:
    """Return the answer to an order: an outcome for the channel, a refusal for the person alone, unless an alert asked.

    `now` is in Unix seconds. `order_id` is for the buttons; a terminal shows none. `message_url` is the link to the
    message that a shortcut was used on: the answer can stand far from it. `known` is what is known of the session.
    `offers_end` says whether people can end sessions in the workspace. `note` is OVERTAKEN, NOT_RECORDED or "".
    """
    name = buttons.spoken_name(known)
    for_buttons: _Known = {"name": name, "version": order.expected_version or order_id}
    again, is_by_alert = _again(order, known, for_buttons, now), order.source is Source.ALERT
    if isinstance(outcome, outcomes.Refusal) and not is_by_alert:
        told = explain_refusal(order.verb, outcome, dashboard_url=dashboard_url)
        message = ephemeral(markup.NOT_DONE[order.verb], *told, note, markup.session(order.session_id))
        return with_buttons(message, *_after_refusal(order, outcome, for_buttons, again))
    from_message = f", from {markup.link(message_url, 'this message')}" if message_url else ""
    facts = buttons.known_facts(known, now=now, has_ended=isinstance(outcome, outcomes.Ended | outcomes.NotRunning))
    about = "\n".join(filter(None, [note, facts, f"{markup.session(order.session_id)}{from_message}"]))
    end = _end_instead(order, outcome, known, now) if offers_end else []
    by, verb = markup.mention(order.actor.user_id), order.verb
    if isinstance(outcome, outcomes.Done):
        because = f": {markup.plain(order.reason)}" if order.reason else ""
        top = f"{markup.done(verb, order.actor.user_id)} by {by}{because}"
        following = buttons.state_buttons(order.session_id, _state_after(order, outcome, now, order_id), name)
        return with_buttons(in_channel(top, *_notes(order, outcome, known), about), *following, *end)
    verdict, *why = _explain(order.verb, outcome, dashboard_url)
    top, reason = f"{verdict} Requested by {by}.", f"Reason: {markup.plain(order.reason)}" if order.reason else ""
    if is_by_alert:
        top, reason = markup.NOT_AUTO_PAUSED, f"For {by}:\n{markup.quoted(order.reason, limit=_LONGEST_QUOTE)}"
    message = in_channel(top, *why, reason, about)
    if isinstance(outcome, outcomes.NotRunning | outcomes.NotFound) and not is_by_alert:
        return message
    can_run = verb is Verb.END or (verb is Verb.RESUME and isinstance(outcome, outcomes.Unconfirmed | outcomes.Broken))
    pause = [buttons.button(Verb.PAUSE, order.session_id, name=name)] if can_run else []
    return with_buttons(message, *pause, again, *end)


def facts_message(
    session_id: SessionId, told: Session | None, known: Session | None, *, now: float, offers_end: bool = False
) -> Message | None:
    """Return the warning that an outside program goes on, if that is `known` now (Unix seconds) and was not `told`."""
    if known is None or known.is_task is not False or (told is not None and told.is_task is False):
        return None
    message = in_channel(_EXTERNAL, buttons.known_facts(known, now=now), markup.session(session_id))
    return with_buttons(message, buttons.end_button(session_id, known, now=now)) if offers_end else message


def question_message(order: Order, version: str) -> Message:
    """Return the question about a resume, for a click on a button that did not ask, and for an old command."""
    question, resume = buttons.resume_question(order.session_id, version)
    return with_buttons(ephemeral(question, markup.session(order.session_id)), resume)


def card_update(
    order: Order, outcome: outcomes.Outcome, *, now: float, order_id: str, known: Session | None = None
) -> CardUpdate | None:
    """Return the update of the clicked message, or None if its button stays; the arguments as above."""
    state = _known_state(order, outcome, now, order_id)
    if state is None:
        return None
    facts = buttons.known_facts(known, now=now, has_ended=isinstance(outcome, outcomes.Ended | outcomes.NotRunning))
    line = f"{buttons.state_line(state)} · {facts}" if facts else buttons.state_line(state)
    return CardUpdate(order.session_id, line, buttons.state_button(order.session_id, state, buttons.spoken_name(known)))


def _end_instead(order: Order, outcome: outcomes.Outcome, known: Session | None, now: float) -> list[Block]:
    """Return End if a pause is not enough: Anchor failed, or a program outside of it drives the browser."""
    is_external = isinstance(outcome, outcomes.Paused) and known is not None and known.is_task is False
    is_error = isinstance(outcome, outcomes.Failed) and outcome.status_code >= _SERVER_ERROR
    has_failed = is_error or isinstance(outcome, outcomes.Unavailable | outcomes.Unconfirmed)
    is_offered = order.verb is Verb.PAUSE and (is_external or has_failed)
    return [buttons.end_button(order.session_id, known, now=now)] if is_offered else []


def _notes(order: Order, outcome: outcomes.Done, known: Session | None) -> Iterator[str]:
    if isinstance(outcome, outcomes.Ended):
        yield f"Anchor's status: {markup.code(outcome.status)}." if outcome.status else "Anchor knows it no longer."
        return
    if isinstance(outcome, outcomes.Paused) and outcome.earlier_by:
        by = f"{markup.mention(outcome.earlier_by)}, {markup.moment(outcome.earlier_at)}"
        yield f"It was paused before by {by}. Anchor was asked again."
    if isinstance(outcome, outcomes.Paused) and outcome.crossed:
        yield f"It crossed {markup.mention(outcome.crossed)}'s resume, so it was sent again."
    yield from warnings(order, outcome, known)


def warnings(order: Order, outcome: outcomes.Paused | outcomes.Resumed, known: Session | None) -> Iterator[str]:
    """Yield what a person has to know of a pause or a resume that was done, and what no card says."""
    verb = order.verb
    if order.asks_for_end:
        yield "This does not resume by itself. Anchor may end the session before."
    if outcome.status is not None and outcome.status.casefold() not in _PRODUCED[verb]:
        status = markup.code(outcome.status)
        yield f"⚠️ Anchor accepted the {verb} and gives the status {status}: check that {_CHECK[verb]}."
    if isinstance(outcome, outcomes.Paused) and known is not None and known.is_task is False:
        yield _EXTERNAL


def _known_state(order: Order, outcome: outcomes.Outcome, now: float, order_id: str) -> SessionState | None:
    """Return the state of the session, if the outcome tells it. A reason of somebody else is not for everybody."""
    match outcome:
        case outcomes.NotSent(WhyNot.PAUSED_SINCE, user_id, given_at, version, is_confirmed=True):
            return SessionState(Phase.PAUSED, Verb.PAUSE, version, user_id, "", "", given_at)
        case outcomes.Paused() | outcomes.Resumed() | outcomes.Ended() | outcomes.NotRunning() | outcomes.NotFound():
            return _state_after(order, outcome, now, order_id)
        case _:
            return None


def _state_after(order: Order, outcome: outcomes.KeyTaken, now: float, order_id: str) -> SessionState:
    phase, actor = PHASES[type(outcome).__name__], order.actor
    return SessionState(phase, order.verb, order_id, actor.user_id, actor.channel_id, order.reason, now)


def _explain(verb: Verb, outcome: outcomes.NotDone | outcomes.Refusal, dashboard_url: str) -> tuple[str, str, str]:
    verdict = markup.NOT_DONE[verb]
    in_anchor, or_in_anchor = markup.dashboard(dashboard_url), markup.or_in_dashboard(verb, dashboard_url)
    match outcome:
        case outcomes.NotRunning(anchor_message=text):
            verdict = f"🔹 *Not running*, nothing to {verb}."
            known = f"Anchor says that this session is not running{_quote(text)}."
            advice = f"Still seeing activity? It is another session: `{_PAUSE}` lists them."
        case outcomes.NotFound(anchor_message=text):
            verdict = f"{markup.CHECKED[Phase.NOT_FOUND]}, nothing was {verb.past}."
            known = f"Anchor does not know it{_quote(text)}."
            advice = f"Check the id in {in_anchor}. If it is right, it belongs to another Anchor account."
        case outcomes.Failed(status_code=status_code, anchor_message=text):
            known = f"Anchor answered with an error ({status_code}){_quote(text)}."
            advice = f"Try again, {or_in_anchor}."
        case outcomes.KeyRejected(status_code=status_code, anchor_message=text, by_admins=by_admins):
            is_of_id = verb is Verb.END and status_code == outcomes.UNAUTHORIZED
            what = "the key or the session id" if is_of_id else "this workspace's API key"
            known = f"Anchor refused {what} ({status_code}){_quote(text)}."
            advice = f"{markup.now_in_dashboard(verb, dashboard_url)} {'' if is_of_id else _NEW_KEY[by_admins]}".strip()
        case outcomes.RateLimited(retry_after=retry_after, anchor_message=text):
            known = f"Anchor accepts no more requests for now (429){_quote(text)}."
            advice = f"Try again {_in_seconds(retry_after)}, {or_in_anchor}."
        case outcomes.Unavailable(why=why, retry_after=retry_after):
            known = _UNREACHABLE[why]
            advice = f"Try again {_in_seconds(retry_after)}, {or_in_anchor}."
        case outcomes.Unconfirmed(why=why, status_code=status_code, anchor_message=text):
            known = f"{_DOUBTS[why]}{f' ({status_code})' if status_code else ''}{_quote(text)}."
            verdict, advice = markup.UNCONFIRMED[verb], _AFTER_DOUBT[verb].format(dashboard=in_anchor)
        case outcomes.Broken(incident_id=incident_id):
            known = f"Something broke in the bot. Tell its operator the incident {markup.code(incident_id)}."
            verdict, advice = markup.UNCONFIRMED[verb], _AFTER_DOUBT[verb].format(dashboard=in_anchor)
        case _:
            known, advice = explain_refusal(verb, outcome, dashboard_url=dashboard_url)
    return verdict, known, advice


def _quote(text: str | None) -> str:
    return f": {markup.code(text)}" if text else ""


def _in_seconds(retry_after: float | None) -> str:
    return f"in {retry_after:.0f} s" if retry_after else "in a moment"
