"""The Anchor API key of a workspace, and what is known of it."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.secret import Secret

_SHOWN = 4
_LEAST_HIDDEN = 8  # characters; of a shorter key the end would say too much


def is_key(text: str) -> bool:
    """Whether `text` can be sent in a header, as keys are."""
    return text.isascii() and text.isprintable() and " " not in text and bool(text)


class KeyCheck(StrEnum):
    """What Anchor last said of a key."""

    UNVERIFIED = "unverified"
    VERIFIED = "verified"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AnchorKey:
    """`set_by` is the user id of the admin who set it at `set_at` (Unix seconds); None where an operator did."""

    value: Secret
    check: KeyCheck = KeyCheck.UNVERIFIED
    set_by: str | None = None
    set_at: int | None = None

    @property
    def ending(self) -> str:
        """Its last four characters, by which people know it; "" where the key is too short to show any."""
        text = self.value.reveal()
        return text[-_SHOWN:] if len(text) >= _SHOWN + _LEAST_HIDDEN else ""
