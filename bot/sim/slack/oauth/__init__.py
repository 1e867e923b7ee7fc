"""How the app gets into workspaces: Slack's consent page, the codes that it gives out, and what they are exchanged for.

https://docs.slack.dev/authentication/installing-with-oauth
"""

from bot.sim.slack.oauth.codes import Codes, Consented
from bot.sim.slack.oauth.consent import Consent

__all__ = ["Codes", "Consent", "Consented"]
