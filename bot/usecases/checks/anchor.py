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
    match result:
        case NewKeyRejected(status_code=status):
            return Finding(Wrong.KEY_REFUSED, {"status": str(status)})
        case NewKeyUnverified(status_code=status):
            why = "no response" if status is None else f"HTTP {status}"
            return Finding(Unanswered.NO_ANSWER, {"who": "Anchor", "why": why})
        case None:
            return Finding(Good.KEY_ACCEPTED, {"ending": key.ending})
