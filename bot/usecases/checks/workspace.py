"""Check the workspaces that the bot serves: token, scopes, Anchor key and alert channel of each."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.checks import Checked, CheckName, Finding, Skipped, Wrong, judge_scopes
from bot.core.installation import SCOPES
from bot.core.workspace import Workspace
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.slack.client import SlackClient
from bot.outbound.store.errors import StoreError, UnreadableError
from bot.outbound.store.store import Store
from bot.outbound.store.workspace_rows import WorkspaceRows
from bot.outbound.workspaces import Workspaces
from bot.usecases.checks.anchor import check_key
from bot.usecases.checks.slack import check_channel, check_token, delete_left_probe

_AT_ONCE = 10  # workspaces
_POST = "chat:write"  # https://docs.slack.dev/reference/methods/chat.postMessage


@dataclass(frozen=True, slots=True)
class Services:
    """The clients that the checks use; `now` gives Unix seconds."""

    web: AsyncWebClient
    anchor: AnchorClient
    now: Callable[[], float]

    async def check(self, workspace: Workspace, *, refused: Wrong = Wrong.TOKEN_REFUSED) -> list[Checked]:
        """Check one workspace; `refused` is the finding if Slack refuses its token."""
        await delete_left_probe(self.web, workspace)
        key, in_slack = await asyncio.gather(
            check_key(self.anchor, workspace.anchor_key), self.check_in_slack(workspace, refused=refused)
        )
        return [*in_slack, Checked(CheckName.ANCHOR_KEY, key, workspace.team_id)]

    async def check_in_slack(self, workspace: Workspace, *, refused: Wrong = Wrong.TOKEN_REFUSED) -> list[Checked]:
        """Check the bot token, its scopes and the alert channel of one workspace."""
        token, found = await check_token(SlackClient(self.web), workspace.bot_token, refused=refused)
        scopes = channel = Finding(Skipped.NOT_CHECKED, {"first": CheckName.BOT_TOKEN})
        if found is not None:
            scopes = judge_scopes(found.scopes, SCOPES)
            channel = Finding(Skipped.NOT_CHECKED, {"first": CheckName.SCOPES})
        if found is not None and (found.scopes is None or _POST in found.scopes):
            channel = await check_channel(self.web, workspace.bot_token, workspace.alerts_channel, self.now)
        findings = {CheckName.BOT_TOKEN: token, CheckName.SCOPES: scopes, CheckName.ALERT_CHANNEL: channel}
        return [Checked(name, finding, workspace.team_id) for name, finding in findings.items()]

    async def check_all(self, store: Store, team_id: str | None) -> AsyncIterator[Checked]:
        """Check the workspace `team_id`, or each in the database. Can raise StoreError."""
        installed = [summary.team_id for summary in await store.rows.summaries()]
        chosen = installed if team_id is None else [team_id] if team_id in installed else []
        if not chosen:
            kind = Skipped.NO_WORKSPACES if team_id is None else Wrong.NOT_INSTALLED
            yield Checked(CheckName.WORKSPACES, Finding(kind), team_id or "")
        for first in range(0, len(chosen), _AT_ONCE):
            batch = chosen[first : first + _AT_ONCE]
            for checks in await asyncio.gather(*[self._check_stored(store, each) for each in batch]):
                for check in checks:
                    yield check

    async def _check_stored(self, store: Store, team_id: str) -> list[Checked]:
        try:
            workspace = await store.rows.find(team_id)
        except UnreadableError as error:
            return [Checked(CheckName.ENCRYPTION, Finding(Wrong.ROW_UNREADABLE, {"why": str(error)}), team_id)]
        # it was installed a moment ago
        return [] if workspace is None else await self.check(workspace, refused=Wrong.INSTALLATION_REFUSED)


async def delete_left_probes(web: AsyncWebClient, workspaces: Workspaces, rows: WorkspaceRows | None) -> None:
    """Delete the messages that checks of a killed process left in Slack; `rows` are those of many workspaces."""
    with suppress(StoreError):
        refs = [""] if rows is None else [one.team_id for one in await rows.summaries() if one.alerts_channel]
        for ref in refs:
            with suppress(UnreadableError):
                if (workspace := await workspaces.owner_of_alerts(ref)) is not None:
                    await delete_left_probe(web, workspace)
