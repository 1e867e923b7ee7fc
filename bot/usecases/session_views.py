"""The views with sessions, Home and the modal: show them again after something has changed."""

from bot.core.requests import Actor
from bot.core.view_ref import ViewRef
from bot.messages.home import Notice
from bot.usecases.admin.home import HomeView
from bot.usecases.session_modal import SessionModal


class SessionViews:
    """The views from which people pause and resume."""

    def __init__(self, home_view: HomeView, modal: SessionModal) -> None:
        self._home_view = home_view
        self._modal = modal

    async def refresh(self, actor: Actor, view: ViewRef, *, note: str = "") -> None:
        """Show the sessions as they are now; `note` is mrkdwn above them."""
        if view.modal_id is None:
            await self._home_view.publish(actor, notice=Notice(note) if note else None)
        else:
            await self._modal.update(actor, view.modal_id, note=note)
