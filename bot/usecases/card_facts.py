"""Show on the cards of alerts what is known of their sessions."""

from collections.abc import Callable
from contextlib import suppress

from bot.core.session_ids import SessionId
from bot.core.sessions import Session
from bot.outbound.store.card_fact_rows import CardFactRows
from bot.outbound.store.errors import StoreError


class CardFacts:
    """Facts on cards; `known` gives what is known of a session of a workspace."""

    def __init__(self, rows: CardFactRows, known: Callable[[str, SessionId], Session | None]) -> None:
        self._rows = rows
        self._known = known

    async def fill(self, team_id: str) -> None:
        """Let the cards of a workspace show what they lack. Without the database they do so later."""
        with suppress(StoreError):  # the check of the database reports it
            changed: dict[SessionId, Session] = {}
            for session_id, shown in await self._rows.shown(team_id):
                known, before = self._known(team_id, session_id), shown or Session(id=session_id)
                if known is not None and (facts := before.with_newer(known.for_card())) != before:
                    changed[session_id] = facts
            if changed:
                await self._rows.record(team_id, changed)
