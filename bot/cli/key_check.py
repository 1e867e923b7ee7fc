"""Try a new Anchor key before it replaces a workspace's key."""

from bot.config.store_settings import OperatorSettings
from bot.core.admin_outcomes import NewKeyRejected
from bot.core.secret import Secret
from bot.outbound.anchor.client import AnchorClient
from bot.outbound.http_client import open_session, transport_over

_COPY_AGAIN = "Copy it again from Anchor's dashboard."
_OFFLINE = "Try again in a minute. To save it anyway, use --offline."


async def find_problem(key: Secret, settings: OperatorSettings) -> str | None:
    """Try a key with one harmless request. Return None if Anchor accepts it, or else why it is not saved."""
    try:
        session = open_session(proxy=settings.proxy)
    except OSError as error:
        return f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}. Nothing was saved."
    async with session:
        within = settings.anchor_timeout
        anchor = AnchorClient(
            transport_over(session), base_url=settings.anchor_api_url, timeout=within, deadline=within
        )
        problem = await anchor.try_key(key)
    if problem is None:
        return None
    if isinstance(problem, NewKeyRejected):
        return f"Anchor refuses this key ({problem.status_code}). Nothing was saved. {_COPY_AGAIN}"
    why = "no answer" if problem.status_code is None else f"answer {problem.status_code}"
    return f"Anchor did not say whether it accepts this key ({why}). Nothing was saved. {_OFFLINE}"
