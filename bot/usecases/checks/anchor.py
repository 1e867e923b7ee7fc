"""Check an Anchor key."""

from bot.core.admin_outcomes import NewKeyRejected, NewKeyUnverified
from bot.core.checks import Finding, Good, Unanswered, Wrong
from bot.core.workspace import AnchorKey
from bot.outbound.anchor.client import AnchorClient


async def check_key(anchor: AnchorClient, key: AnchorKey | None) -> Finding:
    """Try a key with one harmless request."""
    if key is None:
        return Finding(Wrong.KEY_UNSET)
    result = await anchor.try_key(key.value)
    if isinstance(result, NewKeyRejected):
        return Finding(Wrong.KEY_REFUSED, {"status": str(result.status_code)})
    if isinstance(result, NewKeyUnverified):
        why = "no response" if result.status_code is None else f"HTTP {result.status_code}"
        return Finding(Unanswered.NO_ANSWER, {"who": "Anchor", "why": why})
    return Finding(Good.KEY_ACCEPTED)
