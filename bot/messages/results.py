"""Answers to orders: outcomes, refusals, errors, updates of the clicked message, and what follows a pause."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from bot.core import outcomes
from bot.core.orders import MessageContent, Order, Source, Verb
from bot.core.outcomes import Refusal
from bot.core.session_ids import Found, SessionId, find_session_id
from bot.core.sessions import PHASES, Session, SessionState
from bot.messages import buttons, markup
from bot.messages.blocks import LONGEST_TEXT, Block, Message, Visibility, ephemeral, section, told
from bot.messages.outcomes import COMMANDS, DOING, NOT_DONE, Wording, state_line, worded
from bot.messages.sessions import session_facts, spoken_name

_PAUSE = COMMANDS[Verb.PAUSE]
OVERTAKEN = "🔹 A newer request has changed this session since."
NOT_RECORDED = "⚠️ This pause is not recorded in the bot's database."
"""Notes of a result: it is told late, or the database has no record of the pause that was sent."""
NOT_AUTO_PAUSED = "⛔ *Not paused automatically: the agent may still run.*"
_EXTERNAL = "⚠️ A program outside of Anchor may still control this browser: the pause reaches only Anchor's own agent."
_SERVER_ERROR, _LONGEST_QUOTE = 500, 300
_EXPECTED = {
    Verb.PAUSE: ({"success", "ok", "paused"}, "the agent has stopped"),
    Verb.RESUME: ({"success", "ok", "resumed", "running"}, "the agent goes on"),
}
"""The words of Anchor's for the new state, and what to check after another one."""

_ADDED = {"image_width", "image_height", "image_bytes", "is_animated", "fallback"}
_MOST_BLOCKS = 50  # https://docs.slack.dev/reference/block-kit/blocks


def without_added_keys(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON of a message without what Slack adds to images, which it does not accept."""
    if isinstance(part, list | tuple):
        return [without_added_keys(one) for one in part]
    if not isinstance(part, dict):
        return part
    added = _ADDED if part.get("type") == "image" else set()
    return {name: without_added_keys(value) for name, value in part.items() if name not in added}


@dataclass(frozen=True, slots=True)
class CardUpdate:
    """The new line about a session on a card, and the button for the next order, if there is one."""

    session_id: SessionId
    line: str
    button: Block | None

    @property
    def block(self) -> Block:
        """Return the block of the line."""
        return {**section(self.line), "block_id": f"anchor_{self.session_id}"}

    def is_in(self, block: Block) -> bool:
        """Return whether a block has a line about the session."""
        return bool(block.get("block_id") == f"anchor_{self.session_id}")

    def is_own(self, element: object) -> bool:
        """Return whether an element is a button of the session."""
        if not isinstance(element, dict) or element.get("action_id") not in buttons.VERBS:
            return False
        found = find_session_id(str(element.get("value", "")))
        return isinstance(found, Found) and found.session_id == self.session_id


def apply(update: CardUpdate, card: MessageContent) -> MessageContent:
    """Return the updated card; the same card if it has no button of the session.

    The next button takes the place of the old one, so that a row of buttons does not move, and the line follows its
    block. A full message gets no line. Applying an update twice has the same effect as once.
    """
    result: list[Block] = []
    button, room = update.button, _MOST_BLOCKS - len(card.blocks)
    is_told = any(map(update.is_in, card.blocks))
    for block in card.blocks:
        kept = block
        if is_own := any(map(update.is_own, (block.get("accessory"), *block.get("elements", ())))):
            kept, button = _replace_button(update, block, button), None
        if update.is_in(block):
            kept = kept and {**kept, **update.block}
        result += [kept] if kept else []
        if is_own and not is_told and not update.is_in(block) and (room > 0 or not kept):
            result.append(update.block)
            is_told = True
    updated = replace(card, blocks=tuple(result))
    return card if updated == card else replace(updated, text=_updated_text(update, card))


def _replace_button(update: CardUpdate, block: Block, button: Block | None) -> Block:
    """Return the block with `button` in place of the session's; {} if the old one was its only content."""
    if "accessory" in block:
        rest = {name: value for name, value in block.items() if name != "accessory"}
        return rest if button is None else {**rest, "accessory": button}
    own = [update.is_own(element) for element in block["elements"]]
    others = [element for element, is_own in zip(block["elements"], own, strict=True) if not is_own]
    place = own.index(True)
    elements = [*others[:place], *([button] if button else []), *others[place:]]
    return {**block, "elements": elements} if elements else {}


def _updated_text(update: CardUpdate, card: MessageContent) -> str:
    """Return the text of the whole message, with the new line in place of an earlier one; it is cut before the line."""
    earlier = {block["text"]["text"] for block in card.blocks if update.is_in(block)}
    rest = "\n".join(line for line in card.text.split("\n") if line not in earlier)
    line = update.block["text"]["text"]
    return f"{markup.fit(rest, LONGEST_TEXT - markup.width(line) - 1)}\n{line}".lstrip("\n")


def unknown_message(command: str = "", session_id: SessionId | None = None) -> Message:
    """Return the answer to an unknown command, or else to a button, menu or shortcut, which can name a session."""
    what = f"command {markup.code(command)}" if command else "button or shortcut"
    lines = [f"Unknown {what}: nothing was done.", f"To pause a session, use `{_PAUSE}`."]
    pause = [] if session_id is None else [buttons.button(Verb.PAUSE, session_id)]
    return told(lines, "", pause, Visibility.EPHEMERAL)


def broken_button_message(verb: Verb, value: str) -> Message:
    """Return the answer to a button whose value is not one session id."""
    has = f"{markup.code(value)} instead of a session id" if value else "no session id"
    return ephemeral(
        NOT_DONE[verb],
        f"This button has {has}. Use `{COMMANDS.get(verb, _PAUSE)}`.",
        "The sender of this message must put the id into the button's `value`.",
    )


def incident_message(incident_id: str) -> Message:
    """Return the answer after an unexpected exception outside of an order."""
    return ephemeral(
        f"*Something broke in the bot* (incident {markup.code(incident_id)}).",
        f"It is not known whether your request was carried out: `{_PAUSE}` lists what runs and what is paused.",
        "Tell the operator of this bot: the log has the details of the incident.",
    )


def waiting_message(order: Order, *, is_recorded: bool) -> Message:
    """Return the ack of a command whose outcome takes longer than Slack waits."""
    doubt = "" if is_recorded else "⚠️ The bot's database does not answer: a restart of the bot would lose this request."
    return ephemeral(
        f"⏳ {DOING[order.verb]}… The result will be posted here.", doubt, markup.session(order.session_id)
    )


def outcome_message(  # noqa: PLR0913 - all that an answer says
    order: Order,
    outcome: outcomes.Outcome,
    *,
    now: float,
    order_id: str = "",
    known: Session | None = None,
    offers_end: bool = False,
    note: str = "",
) -> Message:
    """Return the answer to an order: an outcome for the channel, a refusal for the person alone, unless an alert asked.

    `now` is in Unix seconds. `order_id` is for the buttons; a terminal shows none. `known` is what is known of
    the session.
    `offers_end` says whether people can end sessions in the workspace. `note` is OVERTAKEN, NOT_RECORDED or "".
    """
    wording = worded(order.verb, outcome, user_id=order.actor.user_id)
    is_refused = isinstance(outcome, Refusal) and order.source is not Source.ALERT
    facts = "" if is_refused else _facts(outcome, known, now)
    lines = [*_first_lines(order, outcome, wording), facts, wording.reason, wording.advice]
    if isinstance(outcome, outcomes.Done):
        lines.extend(_notes(order, outcome, known))
    if order.source is Source.ALERT and not isinstance(outcome, outcomes.Done):
        quote = markup.quoted(order.reason, limit=_LONGEST_QUOTE)
        lines.append(f"For {markup.mention(order.actor.user_id)}:\n{quote}")
    row = _buttons(order, outcome, order_id, known, now) if wording.has_button or not is_refused else []
    end = _end_instead(order, outcome, known) if offers_end else []
    visibility = Visibility.EPHEMERAL if is_refused else Visibility.IN_CHANNEL
    return told([*lines, note], markup.session(order.session_id), [*row, *end], visibility)


def _first_lines(order: Order, outcome: outcomes.Outcome, wording: Wording) -> list[str]:
    by = f"{markup.mention(order.actor.user_id)}{f': {markup.plain(order.reason)}' if order.reason else ''}"
    if isinstance(outcome, outcomes.Done):
        return [f"{wording.headline} by {by}"]
    if order.source is Source.ALERT:
        return [NOT_AUTO_PAUSED]
    return [wording.verdict if isinstance(outcome, Refusal) else f"{wording.verdict} Requested by {by}"]


def _facts(outcome: outcomes.Outcome, known: Session | None, now: float) -> str:
    return session_facts(known, now=now, has_ended=isinstance(outcome, outcomes.Ended | outcomes.NotRunning))


def _buttons(order: Order, outcome: outcomes.Outcome, order_id: str, known: Session | None, now: float) -> list[Block]:
    """Return what people can do next, Pause first if the agent can run."""
    session_id, verb, name = order.session_id, order.verb, spoken_name(known)
    if isinstance(outcome, outcomes.Done):
        return buttons.state_buttons(session_id, _state_after(order, outcome, now, order_id), name)
    if isinstance(outcome, outcomes.NotRunning | outcomes.NotFound) and order.source is not Source.ALERT:
        return []
    refusal = outcome if isinstance(outcome, Refusal) else None
    version = (refusal and refusal.version) or order.expected_version or order_id
    is_asked = refusal is not None and verb is not Verb.END  # the refusal says what there is to know
    again = buttons.button(verb, session_id, label="Try again", name=name, version=version, is_asked=is_asked)
    is_doubtful = isinstance(outcome, outcomes.Unconfirmed | outcomes.Broken)
    can_run = refusal is None and (verb is Verb.END or (verb is Verb.RESUME and is_doubtful))
    return [*([buttons.button(Verb.PAUSE, session_id, name=name)] if can_run else []), again]


def facts_message(
    session_id: SessionId, told_before: Session | None, known: Session | None, *, now: float, offers_end: bool = False
) -> Message | None:
    """Return the warning that an outside program goes on, if that is `known` now (Unix seconds) and was not told."""
    was_told = told_before is not None and told_before.is_task is False
    if known is None or known.is_task is not False or was_told:
        return None
    end = [buttons.button(Verb.END, session_id, name=spoken_name(known))] if offers_end else []
    return told([_EXTERNAL, session_facts(known, now=now)], markup.session(session_id), end)


def question_message(order: Order, version: str) -> Message:
    """Return the question about a resume, for a click on a button that did not ask, and for an old command."""
    question = f"❔ *{buttons.QUESTION}* {buttons.EFFECT}"
    resume = buttons.button(Verb.RESUME, order.session_id, is_asked=True, version=version)
    return told([question], markup.session(order.session_id), [resume], Visibility.EPHEMERAL)


def card_update(
    order: Order, outcome: outcomes.Outcome, *, now: float, order_id: str, known: Session | None = None
) -> CardUpdate | None:
    """Return the update of the clicked message, or None if its button stays; the arguments as above."""
    if not isinstance(outcome, outcomes.KeyTaken):
        return None
    state = _state_after(order, outcome, now, order_id)
    line = markup.joined(state_line(state), _facts(outcome, known, now))
    return CardUpdate(order.session_id, line, buttons.state_button(order.session_id, state, spoken_name(known)))


def list_update(order: Order, outcome: outcomes.Outcome, *, now: float, order_id: str) -> CardUpdate:
    """Return the update of a row after an order that was given in it."""
    if update := card_update(order, outcome, now=now, order_id=order_id):
        return update
    message = outcome_message(order, outcome, now=now)
    is_in_doubt = isinstance(outcome, outcomes.Unconfirmed | outcomes.Broken)  # the agent may run
    verb = Verb.PAUSE if is_in_doubt else order.verb
    again = buttons.button(verb, order.session_id, version=order.expected_version or "")
    return CardUpdate(order.session_id, message.text.partition("\n")[0], again)


def _end_instead(order: Order, outcome: outcomes.Outcome, known: Session | None) -> list[Block]:
    """Return End if a pause is not enough: Anchor failed, or a program outside of it drives the browser."""
    is_external = isinstance(outcome, outcomes.Paused) and known is not None and known.is_task is False
    is_error = isinstance(outcome, outcomes.Failed) and (outcome.status_code or 0) >= _SERVER_ERROR
    has_failed = is_error or isinstance(outcome, outcomes.Unavailable | outcomes.Unconfirmed)
    is_offered = order.verb is Verb.PAUSE and (is_external or has_failed)
    return [buttons.button(Verb.END, order.session_id, name=spoken_name(known))] if is_offered else []


def _notes(order: Order, outcome: outcomes.Done, known: Session | None) -> Iterator[str]:
    if isinstance(outcome, outcomes.Ended):
        yield (
            f"Anchor's status: {markup.code(outcome.status)}."
            if outcome.status
            else "Anchor does not know it any more."
        )
        return
    if isinstance(outcome, outcomes.Paused) and outcome.earlier_by:
        by = f"{markup.mention(outcome.earlier_by)}, {markup.moment(outcome.earlier_at)}"
        yield f"It was paused before by {by}. Anchor was asked again."
    if isinstance(outcome, outcomes.Paused) and outcome.crossed:
        yield f"It crossed {markup.mention(outcome.crossed)}'s resume, so it was sent again."
    yield from warnings(order, outcome, known)


def warnings(order: Order, outcome: outcomes.Paused | outcomes.Resumed, known: Session | None) -> Iterator[str]:
    """Yield what a person has to know of a pause or a resume that was done, and what no card says."""
    words, check = _EXPECTED[order.verb]
    if outcome.status is not None and outcome.status.casefold() not in words:
        status = markup.code(outcome.status)
        yield f"⚠️ Anchor accepted the {order.verb} and gives the status {status}: check that {check}."
    if isinstance(outcome, outcomes.Paused) and known is not None and known.is_task is False:
        yield _EXTERNAL


def _state_after(order: Order, outcome: outcomes.KeyTaken, now: float, order_id: str) -> SessionState:
    phase, actor = PHASES[type(outcome).__name__], order.actor
    return SessionState(phase, order.verb, order_id, actor.user_id, actor.channel_id, order.reason, now)
