"""Messages that are there because a test says so: of the app's incoming webhook, of a person, or of another app."""

from bot.sim.slack.content import Part, block_problems, read_content
from bot.sim.slack.history import Author, Message, Place, Source
from bot.sim.slack.platform import Platform
from bot.sim.slack.workspace import Workspace


def put(platform: Platform, raw: Part, place: Place, user_id: str | None) -> Message:
    """Add a message, the app's if there is no user; ValueError if Slack would not take its blocks."""
    if complaints := block_problems(raw):
        raise ValueError("\n".join(complaints))
    author = _author(platform.workspace_of_channel(place.channel), user_id)
    return platform.history.post(read_content(raw), author, place, Source.POSTED)


def _author(workspace: Workspace, user_id: str | None) -> Author:
    app = workspace.installation
    if user_id is None:
        return Author(app.bot_user_id, app.bot_id)
    user = workspace.users.get(user_id)
    return Author(user_id, f"B{user_id[1:]}" if user is not None and user.is_bot else None)
