"""The phrases that several messages share."""

from bot.core.requests import Verb
from bot.core.session_state import Phase
from bot.messages.markup import link

IN_HOME = "in this app's Home tab"

NOT_DONE = {Verb.PAUSE: "⛔ *Not paused*: this did not stop the agent.", Verb.RESUME: "⛔ *Not resumed.*"}
"""The verdict about an order that certainly changed nothing."""

DONE = {Verb.PAUSE: "⏸️ *Paused*", Verb.RESUME: "▶️ *Resumed*"}
"""The verdict about an order that Anchor confirmed."""

UNCONFIRMED = {
    Verb.PAUSE: "❓ *Unconfirmed*: the agent may still be running.",
    Verb.RESUME: "❓ *Unconfirmed*: the agent may still be paused.",
}
"""The verdict about an order that may have been done."""

CHECKED = {Phase.NOT_RUNNING: "🔹 Not running, checked", Phase.NOT_FOUND: "🔹 No such session, checked"}
"""The verdict on a card about a session with nothing to pause or resume, when somebody tried it."""


def dashboard(url: str) -> str:
    """Return the link to Anchor's dashboard; `url` is ANCHOR_DASHBOARD_URL."""
    return link(url, "Anchor's dashboard")


def or_in_dashboard(verb: Verb, url: str) -> str:
    """Return the end of an advice: the way to do it without the bot."""
    return f"or {'stop' if verb is Verb.PAUSE else 'resume'} it in {dashboard(url)}"
