"""Encode an order's outcome and reply address for the journal, and decode them."""

import dataclasses
import json
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_type_hints

from bot.core import outcomes
from bot.core.fields import Secret
from bot.core.requests import Actor, ClickedMessage, MessageContent, ReplyAddress
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.fields import FieldCipher, FieldRef

_REPLY = "reply"


def write_outcome(outcome: outcomes.Outcome) -> tuple[str, str]:
    """Return the name of the outcome's type, and its fields as JSON."""
    fields = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
    return type(outcome).__name__, json.dumps(fields, default=sorted)


def read_outcome(name: str, fields: str) -> outcomes.Outcome:
    """Decode an outcome. Raises UnreadableError for one of another version of the bot."""
    try:
        read, outcome_type = json.loads(fields), _types()[name]
        given = {key: _converters(outcome_type)[key](value) for key, value in read.items()}
        return outcome_type(**given)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableError(f"this version cannot read the outcome {name}") from None


@cache
def _types() -> dict[str, Callable[..., outcomes.Outcome]]:
    return {outcome.__name__: outcome for outcome in get_args(outcomes.Outcome)}


@cache
def _converters(outcome_type: Callable[..., outcomes.Outcome]) -> dict[str, Callable[[Any], Any]]:
    """Return how each field is read: JSON has no enums and no sets."""
    return {name: _converter(hint) for name, hint in get_type_hints(outcome_type).items()}


def _converter(hint: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - a type hint
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return frozenset if getattr(hint, "__origin__", None) is frozenset else _unchanged


def _unchanged(value: Any) -> Any:  # noqa: ANN401 - a value of JSON
    return value


def write_reply(order_id: str, address: ReplyAddress, version: str | None, cipher: FieldCipher) -> str | None:
    """Encrypt what an answer needs besides the ids, and the version of a click; None if that is nothing."""
    clicked = None if address.clicked is None else dataclasses.asdict(address.clicked)
    if address.response_url is None and clicked is None and not address.message_url:
        return None
    url = address.response_url.reveal() if address.response_url else None
    fields = {"url": url, "clicked": clicked, "version": version, "message_url": address.message_url}
    return cipher.encrypt(Secret(json.dumps(fields)), FieldRef(order_id, _REPLY))


def read_reply(
    order_id: str, actor: Actor, thread_ts: str | None, text: str | None, cipher: FieldCipher
) -> tuple[ReplyAddress, str | None]:
    """Decrypt a reply address and a version. Text that no key decrypts counts as none."""
    try:
        reply = {} if text is None else json.loads(cipher.decrypt(text, FieldRef(order_id, _REPLY)).reveal())
    except UnreadableError:
        reply = {}
    url, clicked = reply.get("url"), reply.get("clicked")
    address = ReplyAddress(
        actor,
        Secret(url) if url else None,
        thread_ts,
        _read_clicked(clicked) if clicked else None,
        reply.get("message_url", ""),
    )
    return address, reply.get("version")


def _read_clicked(clicked: dict[str, Any]) -> ClickedMessage:
    content = clicked.pop("content")
    if content is None:
        return ClickedMessage(**clicked, content=None)
    blocks, attachments = tuple(content["blocks"]), tuple(content["attachments"])
    return ClickedMessage(**clicked, content=MessageContent(content["text"], blocks, attachments))
