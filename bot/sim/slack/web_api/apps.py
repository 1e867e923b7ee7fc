"""apps.connections.open: where the app can connect a websocket in Socket Mode.

https://docs.slack.dev/reference/methods/apps.connections.open
"""

from bot.sim.slack.platform import Platform
from bot.sim.slack.socket_mode import Sockets
from bot.sim.slack.web_api.arguments import Arguments
from bot.sim.slack.web_api.call import ApiError

CONNECTIONS_OPEN = "apps.connections.open"
_TURNED_OFF = "[WARN] Socket Mode is not turned on."


def connections_open(platform: Platform, sockets: Sockets, arguments: Arguments) -> dict[str, object]:
    """Return a URL for one connection; the app token must be in the header."""
    if arguments.token is None:
        raise ApiError("not_authed")
    if platform.workspace_of_token(arguments.bearer):
        raise ApiError("not_allowed_token_type")
    if arguments.bearer != platform.app_token:
        raise ApiError("invalid_auth")
    if sockets.enabled and not sockets.claims_off:
        return {"url": sockets.new_url()}
    return {"url": sockets.new_url(), "response_metadata": {"messages": [_TURNED_OFF]}}
