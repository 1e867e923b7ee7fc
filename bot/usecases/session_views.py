"""The views with sessions, Home and the modal: where their results go, and showing them again after a change."""

from bot.core.requests import ReplyAddress, ViewRef
from bot.messages.home import Notice
from bot.usecases.admin.home import HomeView
from bot.usecases.session_modals import SessionModals


class SessionViews:
    """The views from which people pause and resume."""

    def __init__(self, home_view: HomeView, modals: SessionModals) -> None:
        self._home_view = home_view
        self._modals = modals

    def address(self, own: ReplyAddress, view: ViewRef) -> ReplyAddress:
        """Return where the results of a view go; `own` is the address of the click in it, which is in no channel."""
        return self._modals.address(own.actor, view.origin) or own

    async def refresh(self, address: ReplyAddress, view: ViewRef, *, note: str = "") -> None:
        """Show the sessions as they are now; `note` is mrkdwn above them."""
        if view.modal_id is None:
            await self._home_view.publish(address.actor, notice=Notice(note) if note else None)
        else:
            await self._modals.update(address, view.modal_id, note=note)
