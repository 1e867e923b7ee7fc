"""Check the network: DNS, TLS and the clocks of the hosts that the bot calls, and the bot itself."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp

from bot.core.checks import Checked, CheckName, Finding, Good, Questionable, Skipped, Unanswered, Wrong, judge_clock
from bot.core.fields import object_field, parse_object
from bot.outbound.reachability import NotReached, Reached, Step, send

_SLACK_PATH = "/api.test"  # https://docs.slack.dev/reference/methods/api.test
_ANCHOR_PATH = "/v1/sessions/all/status"
_NOT_FOUND, _METHOD_NOT_ALLOWED = 404, 405
_KINDS = {
    Step.PROXY: Unanswered.PROXY_FAILED,
    Step.RESOLVE: Unanswered.NAME_UNKNOWN,
    Step.CONNECT: Unanswered.NOT_CONNECTED,
    Step.TLS: Unanswered.CERTIFICATE_REFUSED,
    Step.WAIT: Unanswered.TIMED_OUT,
    Step.READ: Unanswered.CONNECTION_BROKE,
}


async def check_hosts(
    session: aiohttp.ClientSession, slack_api_url: str, anchor_api_url: str, now: Callable[[], float]
) -> list[Checked]:
    """Check the ways to Slack and Anchor, and this machine's clock; `now` gives Unix seconds."""
    slack, anchor = await asyncio.gather(
        send(session, slack_api_url.rstrip("/") + _SLACK_PATH, now=now),
        send(session, anchor_api_url.rstrip("/") + _ANCHOR_PATH, now=now),
    )
    return [
        Checked(CheckName.SLACK, _find_api(slack, slack_api_url, Wrong.NOT_SLACK)),
        Checked(CheckName.ANCHOR, _find_api(anchor, anchor_api_url, Wrong.NOT_ANCHOR)),
        Checked(CheckName.CLOCK, judge_clock(one.skew for one in (slack, anchor) if isinstance(one, Reached))),
    ]


def _find_api(result: Reached | NotReached, url: str, foreign: Wrong) -> Finding:
    """Return the finding about the way to an API; `foreign` if the host does not have it."""
    if isinstance(result, Reached) and result.status == _NOT_FOUND:
        return Finding(foreign, {"why": f"HTTP {result.status}"})
    return reach(result, url)


def reach(result: Reached | NotReached, url: str) -> Finding:
    """Return the finding about the way to a host."""
    host = urlsplit(url).netloc
    if isinstance(result, Reached):
        return Finding(Good.REACHED, {"host": host})
    return Finding(_KINDS[result.step], {"host": host, "why": result.why})


async def serves_events(session: aiohttp.ClientSession, url: str) -> bool:
    """Return whether the bot at `url` takes Slack's requests over HTTP. In Socket Mode it does not have the path."""
    result = await send(session, f"{url}/slack/events")
    return isinstance(result, Reached) and result.status == _METHOD_NOT_ALLOWED


async def check_running_bot(session: aiohttp.ClientSession, url: str) -> Finding:
    """Ask the bot on this machine whether it is ready; `url` is that of its server."""
    result = await send(session, f"{url}/readyz")
    state = parse_object(result.body) if isinstance(result, Reached) else None
    if state is None or not isinstance(state.get("ready"), bool):
        return Finding(Skipped.BOT_NOT_RUNNING, {"url": url})
    reasons = {**object_field(state, "reasons"), **object_field(state, "degraded")}
    values = {"url": url, "reasons": " ".join(map(str, reasons.values()))}
    if not state["ready"]:
        return Finding(Unanswered.BOT_NOT_READY, values)
    return Finding(Questionable.BOT_DEGRADED if reasons else Good.BOT_READY, values)
