"""Installing the app: Slack's consent page, the codes that it issues, and their exchange.

https://docs.slack.dev/authentication/installing-with-oauth
"""

from bot.sim.slack.oauth.codes import Codes, Consented
from bot.sim.slack.oauth.consent import Consent

__all__ = ["Codes", "Consent", "Consented"]
