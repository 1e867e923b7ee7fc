"""A view that a person has open: their Home, or a modal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ViewRef:
    """Slack's id of a modal; Home needs none, because a person has one Home.

    `origin` is the sealed address where its results go, as the client sends it back; "" in Home.
    """

    modal_id: str | None = None
    origin: str = ""
