"""The phrases that several messages share."""

from bot.core.requests import Verb
from bot.messages.markup import link

IN_HOME = "in this app's Home tab"

NOT_DONE = {Verb.PAUSE: "⛔ *Not paused*: this did not stop the agent.", Verb.RESUME: "⛔ *Not resumed.*"}
"""The verdict about an order that certainly changed nothing."""


def dashboard(url: str) -> str:
    """Return the link to Anchor's dashboard; `url` is ANCHOR_DASHBOARD_URL."""
    return link(url, "Anchor's dashboard")


def or_in_dashboard(verb: Verb, url: str) -> str:
    """Return the end of an advice: the way to do it without the bot."""
    return f"or {'stop' if verb is Verb.PAUSE else 'resume'} it in {dashboard(url)}"
