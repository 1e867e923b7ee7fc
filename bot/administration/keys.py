"""An admin sets, replaces or removes the workspace's Anchor key."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.administration.herald import Herald
from bot.administration.rights import Rights
from bot.core.administration import (
    KeyNotTaken,
    KeyNotTried,
    KeyOutcome,
    KeyRemoved,
    KeySaved,
    NotAKey,
    RemovalOutcome,
)
from bot.core.anchor_key import AnchorKey, KeyCheck, is_key
from bot.core.messages.changes import key_removed_message, key_set_message
from bot.core.requests import Asker
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.anchor import AnchorClient

if TYPE_CHECKING:  # a bot of one workspace needs no database
    from bot.outbound.store.configuration import Configuration


class Keys:
    """Changes keys; `now` gives Unix seconds. Every method may raise StoreError."""

    def __init__(
        self,
        rights: Rights,
        anchor: AnchorClient,
        configuration: "Configuration",
        herald: Herald,
        now: Callable[[], float],
    ) -> None:
        self._rights = rights
        self._anchor = anchor
        self._configuration = configuration
        self._herald = herald
        self._now = now

    async def set(self, asker: Asker, typed: Secret, *, seen: int, untried: bool) -> KeyOutcome:
        """Try a key with Anchor, and keep it where the workspace's is still that of the version `seen`.

        Where Anchor can't be asked it is kept only if `untried` says so.
        """
        workspace = await self._rights.granted(asker)
        if not isinstance(workspace, Workspace):
            return workspace
        value = Secret(typed.reveal().strip())
        if not is_key(value.reveal()):
            return NotAKey()
        tried = await self._anchor.try_key(value)
        if isinstance(tried, KeyNotTaken) or (isinstance(tried, KeyNotTried) and not untried):
            return tried
        check = KeyCheck.VERIFIED if tried is None else KeyCheck.UNVERIFIED
        key = AnchorKey(value, check, asker.user_id, int(self._now()))
        saved = KeySaved(key.ending, check)
        if not await self._configuration.set_key(asker.team_id, key, if_version=seen):
            return await self._rights.missed(asker, unless=lambda now: _is_held(now, key)) or saved
        before = workspace.anchor_key
        self._herald.announce(
            workspace, key_set_message(asker.user_id, key, before), asker.user_id, before.set_by if before else None
        )
        return saved

    async def remove(self, asker: Asker, *, seen: int) -> RemovalOutcome:
        """Forget the key, where it is still that of the version `seen`."""
        workspace = await self._rights.granted(asker)
        if not isinstance(workspace, Workspace):
            return workspace
        key = workspace.anchor_key
        if key is None or not await self._configuration.remove_key(asker.team_id, if_version=seen):
            return await self._rights.missed(asker, unless=lambda now: now.anchor_key is None) or KeyRemoved("")
        self._herald.announce(workspace, key_removed_message(asker.user_id, key), asker.user_id, key.set_by)
        return KeyRemoved(key.ending)


def _is_held(workspace: Workspace, key: AnchorKey) -> bool:
    """Whether that is the workspace's key already, and by the same person."""
    held = workspace.anchor_key
    return held is not None and (held.value, held.set_by) == (key.value, key.set_by)
