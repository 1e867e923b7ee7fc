"""Play the demo's script and print what everybody saw."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TextIO

from bot.demo.bot_process import BotFailedError
from bot.demo.sandbox import Sandbox, open_sandbox
from bot.demo.script import STEPS, Step, add_sessions
from bot.sim.anchor import Received
from bot.sim.slack import Message, Source, User

_COLUMN = 26
_RESULT_WITHIN = 30.0
_MAY_BE_OLD = 5.0  # seconds after a connection in which a command has no first answer: Slack can have sent it before
_WAITING = "⏳"  # a first answer, which a slow machine can bring at any command
_PAUSING = "⏳ Pausing…"  # on a card, until the outcome is known


async def play(
    out: TextIO,
    *,
    steps: Sequence[Step] = STEPS,
    result_within: float = _RESULT_WITHIN,
    changes: Mapping[str, str] = MappingProxyType({}),
) -> bool:
    """Play the steps over HTTP and over Socket Mode, print the transcript, and return whether all went as it should.

    `result_within` is how many seconds a message may take; `changes` goes to `open_sandbox`.
    """
    for socket_mode in (False, True):
        print(f"=== Over {'Socket Mode' if socket_mode else 'HTTP'} ===", file=out)
        try:
            async with open_sandbox(changes, socket_mode=socket_mode) as sandbox:
                await asyncio.sleep(_MAY_BE_OLD if socket_mode else 0.0)
                if not await _play_all(steps, sandbox, out, result_within):
                    return False
        except BotFailedError as error:
            print(error, file=out)
            return False
    print("\nAll went as it should.", file=out)
    return True


async def _play_all(steps: Sequence[Step], sandbox: Sandbox, out: TextIO, result_within: float) -> bool:
    add_sessions(sandbox)
    print(f"#alerts in Slack. The bot runs at {sandbox.bot.url}, Slack and Anchor are simulated.", file=out)
    went_well = [await _play_step(number, step, sandbox, out, result_within) for number, step in enumerate(steps, 1)]
    broken_rules = [*sandbox.slack.violations, *sandbox.anchor.violations]
    if not broken_rules and all(went_well):
        return True
    print(f"\nNOT as it should be. {broken_rules or ''}\nThe bot's log:\n{sandbox.bot.log.read_text()}", file=out)
    return False


async def _play_step(number: int, step: Step, sandbox: Sandbox, out: TextIO, result_within: float) -> bool:
    actor, anchor = step.actor(sandbox), sandbox.anchor
    seen_before = {_version(message) for message in _seen_by(actor, sandbox)}
    received_before = len(anchor.orders)
    started = time.monotonic()
    print(f"\n{number}. {step.title}\n{_row(f'@{actor.name}', step.does)}", file=out)

    def shown() -> list[Message]:
        new = [message for message in _seen_by(actor, sandbox) if _version(message) not in seen_before]
        return [message for message in new if step.in_private or not message.text.startswith(_WAITING)]

    def is_complete() -> bool:
        pausing = [message for message in shown() if message.ephemeral_to is None and _PAUSING in message.text]
        return len(shown()) >= len(step.in_channel + step.in_private) and not pausing

    await step.act(sandbox)
    try:
        await sandbox.slack.until(is_complete, within=result_within)
    except TimeoutError:
        print(_row("!", "a message is missing"), file=out)
    for message in shown():
        after = (message.edited_at or message.at).monotonic - started
        print(
            _row(f"{_reader(message, actor)}, {after:.1f} s", _mark(message) + sandbox.slack.render(message)), file=out
        )
    received = anchor.orders[received_before:]
    print(_row("Anchor received", *map(_request_line, received) if received else ["nothing"]), file=out)
    return _as_expected(step, shown(), received, out)


def _seen_by(person: User, sandbox: Sandbox) -> list[Message]:
    seen = sandbox.slack.seen_by(person, sandbox.slack.alerts)
    return [message for message in seen if message.source is not Source.TYPED]


def _version(message: Message) -> tuple[str, str]:
    return (message.ts, message.text)  # not its revision: a late update can repeat what it says


def _mark(message: Message) -> str:
    if message.revision:
        return "(changed) "
    return "(in its thread) " if message.thread_ts not in {None, message.ts} else ""


def _as_expected(step: Step, shown: list[Message], received: list[Received], out: TextIO) -> bool:
    wrong = list(_deviations(step, shown, received))
    for sentence in wrong:
        print(_row("! NOT expected", sentence), file=out)
    return not wrong


def _deviations(step: Step, shown: list[Message], received: list[Received]) -> Iterator[str]:
    for expected, texts in (
        (step.in_channel, [message.text for message in shown if message.ephemeral_to is None]),
        (step.in_private, [message.text for message in shown if message.ephemeral_to is not None]),
    ):
        for beginning, text in itertools.zip_longest(expected, texts):
            if beginning is None or text is None or not text.startswith(beginning):
                yield f"{text!r} instead of {beginning!r}"
    if len(received) != step.posts:
        yield f"{len(received)} requests to Anchor instead of {step.posts}"


def _reader(message: Message, actor: User) -> str:
    return "#alerts sees" if message.ephemeral_to is None else f"only @{actor.name} sees"


def _request_line(received: Received) -> str:
    return f"{received.method} {received.path} -> {received.status}"


def _row(label: str, *texts: str) -> str:
    lines = [line for text in texts for line in text.splitlines()]
    indent = "\n" + " " * (_COLUMN + 3)
    return f"   {label:<{_COLUMN}}" + indent.join(lines)
