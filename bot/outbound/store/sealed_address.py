"""Encrypt a reply address for the time that a modal is open: it goes through the client, and has a response_url."""

import json

from bot.core.fields import Secret
from bot.core.requests import Actor, ReplyAddress
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.fields import FieldCipher, FieldRef

_COLUMN = "modal"


def seal(address: ReplyAddress, cipher: FieldCipher) -> str:
    """Return a text that only the same person in the same workspace can send back."""
    url = address.response_url
    fields = [address.actor.channel_id, url.reveal() if url else None, address.thread_ts, address.message_url]
    return cipher.encrypt(Secret(json.dumps(fields)), _field(address.actor))


def unseal(text: str, actor: Actor, cipher: FieldCipher) -> ReplyAddress | None:
    """Return the address that was sealed for this person; None for anything else."""
    try:
        channel_id, url, thread_ts, message_url = json.loads(cipher.decrypt(text, _field(actor)).reveal())
    except UnreadableError:
        return None
    there = Actor(actor.team_id, channel_id, actor.user_id, actor.home_team_id)
    return ReplyAddress(there, Secret(url) if url else None, thread_ts, message_url=message_url)


def _field(actor: Actor) -> FieldRef:
    return FieldRef(f"{actor.team_id}/{actor.user_id}", _COLUMN)
