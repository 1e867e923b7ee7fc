"""Shows people the app's Home, as the workspace is set up at that moment."""

import logging
import secrets
from collections.abc import Callable

from bot.administration.lasting_notices import LastingNotices
from bot.administration.turns import Turns
from bot.core.messages.home import Home, Notice, home_view
from bot.core.policy import Role
from bot.core.requests import Asker
from bot.core.workspace import Workspace
from bot.outbound.roles import Roles
from bot.outbound.slack_views import Shown, SlackViews
from bot.outbound.workspaces import StoreError, Workspaces
from bot.watch import Watch

_log = logging.getLogger(__name__)


class Homes:
    """Publishes; for one person one at a time, so that what is read last is shown last.

    `clock` is monotonic, in seconds.
    """

    def __init__(
        self, workspaces: Workspaces, roles: Roles, views: SlackViews, watch: Watch, clock: Callable[[], float]
    ) -> None:
        self._workspaces = workspaces
        self._roles = roles
        self._views = views
        self._watch = watch
        self._turns = Turns()
        self._notices = LastingNotices(clock)

    async def show(self, asker: Asker, *, notice: Notice | None = None, state: str | None = None) -> bool:
        """Show somebody their Home, and say whether they see it; `state` is the hash of what they saw.

        Where another replica has shown them something since, what is known now is looked up again and shown. Where
        the database gives no answer, or something breaks, the log says so. Never raises.
        """
        async with self._turns.of((asker.team_id, asker.user_id)):
            notice = self._notices.show((asker.team_id, asker.user_id), notice)
            try:
                shown = await self._publish(asker, notice, state)
                if shown is Shown.CONFLICT:
                    shown = await self._publish(asker, notice, None)
            except StoreError as error:
                _log.error("the database has no answer for a Home", extra={"team": asker.team_id, "why": str(error)})
                return False
            except Exception:  # noqa: BLE001 - nobody waits for this, so nobody else would log it
                _log.exception("a Home could not be made", extra={"team": asker.team_id, "user": asker.user_id})
                return False
        return shown is Shown.YES

    async def _publish(self, asker: Asker, notice: Notice | None, state: str | None) -> Shown:
        workspace = await self._workspaces.find(asker.team_id)
        if workspace is None:
            return Shown.NO
        role = await self._role(workspace, asker)
        if role is Role.UNREADABLE:
            self._watch.unreadable(workspace)
        view = home_view(Home(workspace, role, edition=secrets.token_hex(4), notice=notice))
        shown = await self._views.publish(workspace.bot_token, asker.user_id, view, state=state)
        if role is Role.ADMIN and shown is Shown.YES:
            await self._note_admin(asker)
        return shown

    async def _note_admin(self, asker: Asker) -> None:
        try:
            await self._workspaces.note_admin(asker.team_id, asker.user_id)
        except StoreError as error:
            _log.warning("an admin can't be remembered", extra={"team": asker.team_id, "why": str(error)})

    async def _role(self, workspace: Workspace, asker: Asker) -> Role:
        """Asked anew, so that somebody who has just become an admin sees it; else what was said last."""
        role = await self._roles.now(workspace.bot_token, asker)
        return await self._roles.of(workspace.bot_token, asker) if role is Role.UNKNOWN else role
