"""The status of the app in Slack for Home, and what a reinstall adds to an older installation."""

from collections.abc import Iterable

from bot.core.checks import Checked, CheckName, Finding, Good, Skipped, Wrong
from bot.messages.checks import fix, found
from bot.messages.markup import link, plain

APP_SETTINGS_URL = "https://api.slack.com/apps"
"""The page with the settings of a Slack app."""

_UNKNOWN = Finding(Skipped.SCOPES_UNKNOWN)
_IN_SETTINGS = (
    f"add what is missing in {link(APP_SETTINGS_URL, 'its settings at Slack')} under *OAuth &amp; Permissions*, and "
    "reinstall it there."
)
_ADDS = {
    "commands": "the slash commands and the shortcuts",
    "chat:write": "alerts, results in threads, and direct messages",
    "users:read": "people's roles, so that guests are refused and admins are known",
}


def home_status(checks: Iterable[Checked], *, install_url: str) -> str | None:
    """Return the status for admins in Home, in mrkdwn; None if nothing is known. For `install_url` see below."""
    findings = {check.name: check.finding for check in checks}
    failures = {name: finding for name, finding in findings.items() if isinstance(finding.kind, Wrong)}
    if failures:
        lines = [f"• {name}: {_failure(finding, install_url)}" for name, finding in failures.items()]
        return "\n".join(["⚠️ *Something in Slack has to be fixed:*", *lines])
    if findings.get(CheckName.SCOPES, _UNKNOWN).kind is not Good.SCOPES_GRANTED:
        return None
    can_post = findings[CheckName.ALERT_CHANNEL].kind is Good.CHANNEL_OPEN
    return f"Slack grants all that this app needs.{' The bot can post alerts to their channel.' if can_post else ''}"


def reinstall_advice(missing: Iterable[str], *, install_url: str) -> str:
    """Return what a reinstall adds and how it is done, in mrkdwn; `install_url` is "" for a bot without OAuth."""
    adds = "; ".join(_ADDS[scope] for scope in missing)
    how = f"open {link(install_url, 'the page that installs it')}." if install_url else _IN_SETTINGS
    return f"Installing the app again adds {adds}. Everything else stays. To install it, {how}"


def _failure(finding: Finding, install_url: str) -> str:
    """Return a failure and how to fix it, in mrkdwn."""
    if finding.kind is not Wrong.SCOPES_MISSING:
        return plain(f"{found(finding)}. {fix(finding)}")
    advice = reinstall_advice(finding.values["scopes"].split(", "), install_url=install_url)
    return f"{plain(found(finding))}. What worked until now goes on working. {advice}"
