"""The checks of `anchor-bot doctor` and of startup."""

import asyncio
import hmac
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from bot.core.fields import Secret, object_field, parse_object, slack_signature, text_field
from bot.core.workspace import SCOPES, AnchorKey, NewKeyRejected, NewKeyUnverified, Workspace
from bot.messages.checks import (
    CHANNEL_PROBE,
    Checked,
    CheckName,
    Finding,
    Good,
    Questionable,
    Skipped,
    Unanswered,
    Wrong,
    judge_clock,
    judge_scopes,
    not_checked,
)
from bot.messages.install import BEGIN_AGAIN, Page
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.reachability import Reached, send
from bot.outbound.slack.client import SlackClient, TokenInfo, TokenRefusedError
from bot.outbound.slack.errors import NotConnectedError, NotSlackError, RefusedError, SlackUnreachableError
from bot.outbound.slack.oauth import SlackOAuth
from bot.outbound.store import errors
from bot.outbound.store.leases import LEASE, LIVING
from bot.outbound.store.schema import VERSION
from bot.outbound.store.secrets import can_decrypt
from bot.outbound.store.sqlite import IN_MEMORY, file_of
from bot.outbound.store.store import Store, open_store, unusable

_SLACK_PATH = "/api.test"  # https://docs.slack.dev/reference/methods/api.test
_ANCHOR_PATH = "/v1/sessions/all/status"
_SLACK = {"who": "Slack", "setting": "SLACK_API_URL"}
_ANCHOR = {"who": "Anchor", "setting": "ANCHOR_API_URL"}
_NOT_FOUND = 404

_EVENTS_PATH = "/slack/events"
_OK = 200
_REJECTED = frozenset({400, 401})

_NO_CODE = Secret("made-up-by-the-check")
_CLIENT_REFUSED = {"invalid_client_id", "bad_client_secret"}

_AT_ONCE = 10  # workspaces
_POST = "chat:write"  # https://docs.slack.dev/reference/methods/chat.postMessage


async def check_key(anchor: AnchorClient, key: AnchorKey | None) -> Finding:
    """Try a key with one harmless request."""
    if key is None:
        return Finding(Wrong.KEY_UNSET)
    result = await anchor.try_key(key.value)
    if isinstance(result, NewKeyRejected):
        return Finding(Wrong.KEY_REFUSED, {"status": str(result.status_code)})
    if not isinstance(result, NewKeyUnverified):
        return Finding(Good.KEY_ACCEPTED)
    if not result.was_sent:
        return Finding(Unanswered.NOT_REACHED, {"host": "Anchor", "why": "see above"})
    why = "no response" if result.status_code is None else f"HTTP {result.status_code}"
    if result.is_foreign:
        return Finding(Wrong.NOT_API, _ANCHOR | {"why": why})
    return Finding(Unanswered.NO_ANSWER, {"who": "Anchor", "why": why})


async def check_hosts(session: aiohttp.ClientSession, slack_api_url: str, anchor_api_url: str) -> list[Checked]:
    """Check the ways to Slack and Anchor, and this machine's clock."""
    slack, anchor = await asyncio.gather(
        send(session, slack_api_url.rstrip("/") + _SLACK_PATH), send(session, anchor_api_url.rstrip("/") + _ANCHOR_PATH)
    )
    return [
        Checked(CheckName.SLACK, _find_api(slack, slack_api_url, _SLACK)),
        Checked(CheckName.ANCHOR, _find_api(anchor, anchor_api_url, _ANCHOR)),
        Checked(CheckName.CLOCK, judge_clock(one.skew for one in (slack, anchor) if isinstance(one, Reached))),
    ]


def _find_api(result: Reached | Finding, url: str, api: Mapping[str, str]) -> Finding:
    if isinstance(result, Finding):
        return result
    if result.status == _NOT_FOUND:
        return Finding(Wrong.NOT_API, {**api, "why": f"HTTP {result.status}"})
    return Finding(Good.REACHED, {"host": urlsplit(url).netloc})


async def check_running_bot(session: aiohttp.ClientSession, url: str, token: Secret | None) -> Finding:
    """Ask the bot on this machine whether it is ready; `url` is that of its server, `token` METRICS_TOKEN."""
    headers = {"Authorization": f"Bearer {token.reveal()}"} if token else None
    result = await send(session, f"{url}/readyz", headers=headers)
    state = parse_object(result.body) if isinstance(result, Reached) else None
    if state is None or not isinstance(state.get("ready"), bool):
        return Finding(Skipped.BOT_NOT_RUNNING, {"url": url})
    reasons = {**object_field(state, "reasons"), **object_field(state, "degraded")}
    values = {"url": url, "reasons": " ".join(map(str, reasons.values()))}
    if not state["ready"]:
        return Finding(Unanswered.BOT_NOT_READY, values)
    return Finding(Questionable.BOT_DEGRADED if reasons else Good.BOT_READY, values)


async def check_public_url(session: aiohttp.ClientSession, base_url: str, signing_secret: Secret) -> Finding:
    """Let the bot at `base_url` verify its URL, which has no effect.

    Only a bot that accepts the signature repeats the challenge. https://docs.slack.dev/reference/events/url_verification
    """
    url, challenge = base_url.rstrip("/") + _EVENTS_PATH, secrets.token_hex()
    body = json.dumps({"type": "url_verification", "challenge": challenge}).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": slack_signature(signing_secret, timestamp, body),
    }
    result = await send(session, url, method="POST", headers=headers, body=body)
    if isinstance(result, Finding):
        return result
    answer = parse_object(result.body) or {}
    values = {"url": url, "status": str(result.status), "why": text_field(answer, "error")}
    if result.status == _OK and hmac.compare_digest(text_field(answer, "challenge").encode(), challenge.encode()):
        return Finding(Good.URL_VERIFIED, values)
    if result.status in _REJECTED and values["why"]:
        return Finding(Wrong.URL_REJECTS, values)
    return Finding(Wrong.URL_FOREIGN, {"url": url, "why": f"HTTP {result.status}"})


async def check_token(slack: SlackClient, token: Secret) -> tuple[Finding, TokenInfo | None]:
    """Check a bot token. Return the finding, and what Slack says if it accepts the token."""
    try:
        found = await slack.inspect(token)
    except TokenRefusedError as error:
        return Finding(Wrong.TOKEN_REFUSED, {"code": str(error)}), None
    except SlackUnreachableError as error:
        return no_answer(error), None
    values = {"team": found.team_id, "name": found.team_name, "bot": found.bot_name}
    return Finding(Good.TOKEN_ACCEPTED, values), found


async def check_client(oauth: SlackOAuth) -> Finding:
    """Check the client id and secret with a code that Slack cannot know: it refuses the code, or them."""
    answer = await oauth.exchange(_NO_CODE)
    why = answer.why if isinstance(answer, Page) else ""
    if why in _CLIENT_REFUSED:
        return Finding(Wrong.CLIENT_REFUSED, {"code": why})
    if answer == BEGIN_AGAIN:
        return Finding(Good.CLIENT_NOT_REFUSED)
    return Finding(Unanswered.NO_ANSWER, {"who": "Slack", "why": why or "oauth.v2.access"})


async def check_channel(slack: SlackClient, workspace: Workspace) -> Finding:
    """Check whether the bot can post alerts to their channel, without a visible message."""
    channel = workspace.alerts_channel
    if channel is None:
        return Finding(Skipped.CHANNEL_UNSET if workspace.alert_tokens else Good.NO_ALERTS)
    try:
        await slack.try_channel(workspace.bot_token, channel, CHANNEL_PROBE)
    except RefusedError as error:
        return Finding(Wrong.CHANNEL_REFUSED, {"channel": channel, "code": str(error)})
    except SlackUnreachableError as error:
        return no_answer(error)
    return Finding(Good.CHANNEL_OPEN, {"channel": channel})


def no_answer(error: SlackUnreachableError) -> Finding:
    """Return the finding about a call that Slack did not answer."""
    if isinstance(error, NotSlackError):
        return Finding(Wrong.NOT_API, _SLACK | {"why": str(error)})
    if isinstance(error, NotConnectedError):
        return Finding(Unanswered.NOT_REACHED, {"host": "Slack", "why": "see above"})
    return Finding(Unanswered.NO_ANSWER, {"who": "Slack", "why": str(error)})


@asynccontextmanager
async def inspected(url: Secret, keys: Sequence[Secret]) -> AsyncIterator[tuple[Finding, Store | None]]:
    """Check the connection and the tables. The store is open meanwhile, if its tables are current."""
    file = file_of(url)
    if url == IN_MEMORY:
        yield Finding(Good.DATABASE_IN_MEMORY), None
    elif file is not None and not file.exists() and os.access(file.absolute().parent, os.W_OK):
        yield Finding(Good.DATABASE_NEW), None
    elif file is not None and not file.exists():
        sentence = unusable("there is none, and none can be made", file)
        yield Finding(Wrong.DATABASE_UNUSABLE, {"sentence": sentence}), None
    else:
        async with AsyncExitStack() as stack:
            finding, store = await _connect(stack, url, keys)
            yield finding, store if finding.kind is Good.DATABASE_CURRENT else None


async def _connect(stack: AsyncExitStack, url: Secret, keys: Sequence[Secret]) -> tuple[Finding, Store | None]:
    try:
        store = await stack.enter_async_context(open_store(url, keys, is_prepared=False))
    except errors.StoreNotUsableError as error:
        return Finding(Wrong.DATABASE_UNUSABLE, {"sentence": str(error)}), None
    return await _judge_database(store), store


async def _judge_database(store: Store) -> Finding:
    try:
        version = await store.find_version()
    except errors.StoreNotUsableError as error:
        is_down = isinstance(error, errors.StoreDownError)
        return Finding(Unanswered.DATABASE_DOWN if is_down else Wrong.DATABASE_UNUSABLE, {"sentence": str(error)})
    if version is None:
        return Finding(Good.DATABASE_NEW)
    kind = Good.DATABASE_CURRENT if version == VERSION else Wrong.DATABASE_OTHER
    return Finding(kind, {"version": version, "own": VERSION})


async def check_encryption(store: Store, *, is_one: bool) -> Finding:
    """Check whether the keys decrypt the database; `is_one`: a bot of one workspace can do without."""
    try:
        is_readable = await can_decrypt(store.database, store.cipher)
    except errors.StoreUnreachableError as error:
        return database_down(store, error)
    if is_readable:
        return Finding(Good.KEYS_FIT)
    return Finding(Questionable.RESULTS_LOST if is_one else Wrong.KEYS_UNFIT)


async def check_processes(store: Store, mark: str) -> Finding:
    """Check whether all processes that live have the settings with this mark, with which their names begin."""
    try:
        living = await store.database.fetch_all(LIVING, lease=LEASE)
    except errors.StoreUnreachableError as error:
        return database_down(store, error)
    others = sum(not row.owner.startswith(mark) for row in living)
    kind = Questionable.SETTINGS_DIFFER if others else Good.SETTINGS_SAME
    return Finding(kind, {"number": str(others or len(living))})


def database_down(store: Store, error: errors.StoreUnreachableError) -> Finding:
    """Return the finding about a database that gives no answer."""
    return Finding(Unanswered.DATABASE_DOWN, {"sentence": unusable(str(error), store.database.file)})


@dataclass(frozen=True, slots=True)
class Services:
    """The clients that the checks use."""

    slack: SlackClient
    anchor: AnchorClient

    async def check(self, workspace: Workspace) -> list[Checked]:
        """Check one workspace."""
        key, in_slack = await asyncio.gather(
            check_key(self.anchor, workspace.anchor_key), self._check_in_slack(workspace)
        )
        tokens = ", ".join(one.name for one in workspace.alert_tokens if one.may_pause) or "none"
        kind = Questionable.AUTO_PAUSE_IN_VAIN if workspace.pauses_in_vain else Good.AUTO_PAUSE
        mode = Finding(kind, {"mode": workspace.auto_pause, "tokens": tokens})
        found = {CheckName.ANCHOR_KEY: key, CheckName.AUTO_PAUSE: mode}
        if (end := workspace.policy.end) is not None:
            who = ", ".join(sorted(end.users)) or "admins"
            found[CheckName.END_SESSION] = Finding(Good.END_SESSION, {"who": who})
        return [*in_slack, *(Checked(name, finding, workspace.team_id) for name, finding in found.items())]

    async def _check_in_slack(self, workspace: Workspace) -> list[Checked]:
        """Check the bot token, its scopes and the alert channel of one workspace."""
        token, found = await check_token(self.slack, workspace.bot_token)
        scopes = channel = not_checked(f"see {CheckName.BOT_TOKEN}")
        if found is not None:
            scopes = judge_scopes(found.scopes, SCOPES)
            channel = not_checked(f"see {CheckName.SCOPES}")
            if found.scopes is None or _POST in found.scopes:
                channel = await check_channel(self.slack, workspace)
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
        except errors.UnreadableError as error:
            return [Checked(CheckName.ENCRYPTION, Finding(Wrong.ROW_UNREADABLE, {"why": str(error)}), team_id)]
        # it was installed a moment ago
        return [] if workspace is None else await self.check(workspace)
