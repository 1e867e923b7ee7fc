"""Find variables whose names are similar to those of settings."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from bot.config.catalog import VARIABLES

_OF_OTHERS = {"HTTP_PROXY", "http_proxy"}  # similar, and often set beside HTTPS_PROXY
_SIMILARITY = 0.84  # ALERT_TOKEN is similar; ANCHOR_BOT_PORT, which Kubernetes sets, is not


def find_misspelled(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each variable that is no setting and has a similar name, with the name that is probably meant."""
    for name in sorted(set(names) - VARIABLES - _OF_OTHERS):
        for known in get_close_matches(name.upper(), VARIABLES, n=1, cutoff=_SIMILARITY):
            yield name, known


def hint(name: str, known: str) -> str:
    """Return the sentences about a misspelled variable."""
    return f"{name} is no setting of the bot. Did you mean {known}?"
