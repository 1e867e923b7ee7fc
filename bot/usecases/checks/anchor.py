"""Check an Anchor key."""

from bot.core.admin_outcomes import NewKeyRejected, NewKeyUnverified
from bot.core.checks import Finding, Good, Unanswered, Wrong
from bot.core.workspace import AnchorKey
from bot.outbound.anchor.orders import AnchorClient


async def check_key(anchor: AnchorClient, key: AnchorKey | None) -> Finding:
    """Try a key with one harmless request."""
    if key is None:
        return Finding(Wrong.KEY_UNSET)
    result = await anchor.try_key(key.value)
    if isinstance(result, NewKeyRejected):
        return Finding(Wrong.KEY_REFUSED, {"status": str(result.status_code)})
    if isinstance(result, NewKeyUnverified):
        return _judge(result)
    return Finding(Good.KEY_ACCEPTED)


def _judge(result: NewKeyUnverified) -> Finding:
    if not result.was_sent:
        return Finding(Unanswered.NO_CONNECTION, {"who": "Anchor", "setting": "ANCHOR_API_URL"})
    why = "no response" if result.status_code is None else f"HTTP {result.status_code}"
    if result.is_foreign:
        return Finding(Wrong.NOT_ANCHOR, {"why": why})
    return Finding(Unanswered.NO_ANSWER, {"who": "Anchor", "why": why})
