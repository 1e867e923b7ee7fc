"""The findings of the checks, and the status of a workspace by them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from bot.core.checks import Checked, CheckName, Finding, Good, Kind, Questionable, Skipped, Unanswered, Wrong
from bot.messages.blocks import Message, ephemeral
from bot.messages.markup import link, plain, printable

_MOST_SHOWN = 500  # characters of a value
_TRY_AGAIN = "Check the network of this machine, and try again."
_NTP = "Let the machine set its clock by NTP."
_REINSTALL = "Reinstall the app in Slack (OAuth & Permissions), and copy its bot token to SLACK_BOT_TOKEN."
_INSTALL_AGAIN = "Install the app again at BASE_URL/slack/install."
_ALERTS = "The channel is ALERTS_CHANNEL, or the one that an admin chose in Home."


@dataclass(frozen=True, slots=True)
class _Text:
    """The texts about a finding, with the names of its values in braces."""

    found: str
    fix: str = ""


_TEXTS: Mapping[Kind, _Text] = {
    Good.SETTINGS_VALID: _Text("valid: {transport}, {tenancy}, permissions: {permissions}, database: {database}"),
    Questionable.SETTINGS_ODD: _Text("valid, but probably not meant: {warnings}"),
    Wrong.SETTINGS_INVALID: _Text(
        "invalid, so the bot does not start: {problems}",
        "Correct them in .env, or in the environment. `anchor-bot init` asks for those that are required.",
    ),
    Good.PYTHON_PATCHED: _Text("{version}"),
    Questionable.PYTHON_UNPATCHED: _Text(
        "{version} normalizes text in quadratic time (CVE-2026-3276), unless your distribution has patched it",
        "Use Python {patched} or newer, or a patched build of your distribution.",
    ),
    # --- network ---
    Good.REACHED: _Text("{host} answers"),
    Unanswered.PROXY_FAILED: _Text(
        "the proxy of HTTPS_PROXY gives no connection to {host} ({why})",
        "Check the proxy's URL, its user and password, and that it allows this host. NO_PROXY names hosts to call "
        "without it.",
    ),
    Unanswered.NAME_UNKNOWN: _Text(
        "the name {host} can't be resolved ({why})",
        "Check the URL, and the DNS of this machine.",
    ),
    Unanswered.NOT_CONNECTED: _Text(
        "no connection to {host} ({why})",
        "Check the URL and its port, and that a firewall lets the bot connect.",
    ),
    Unanswered.CERTIFICATE_REFUSED: _Text(
        "TLS with {host} fails ({why})",
        "Check the host's certificate. If a proxy replaces certificates, name a file with its authority in "
        "SSL_CERT_FILE, in the environment: it is not read from .env.",
    ),
    Unanswered.TIMED_OUT: _Text("{host} does not answer in time ({why})", _TRY_AGAIN),
    Unanswered.CONNECTION_BROKE: _Text("{host} broke the connection ({why})", _TRY_AGAIN),
    Good.CLOCK_RIGHT: _Text("agrees with Slack's within {seconds} s"),
    Questionable.CLOCK_OFF: _Text("differs from Slack's by {seconds} s. The bot allows for it", _NTP),
    Wrong.CLOCK_WRONG: _Text("differs from Slack's by {seconds} s. Over HTTP the bot rejects every request", _NTP),
    Skipped.CLOCK_UNKNOWN: _Text("not compared: neither Slack nor Anchor answers"),
    # --- the running bot ---
    Good.BOT_READY: _Text("ready at {url}"),
    Questionable.BOT_DEGRADED: _Text("ready at {url}, but degraded: {reasons}"),
    Unanswered.BOT_NOT_READY: _Text("not ready at {url}: {reasons}", "Look into the bot's log."),
    Questionable.BOT_OVER_HTTP: _Text(
        "ready at {url}, but over HTTP, and the settings are for Socket Mode",
        "If it is this bot, restart it. If it is another one, set another PORT.",
    ),
    Skipped.BOT_NOT_RUNNING: _Text("none at {url}"),
    Wrong.CANNOT_LISTEN: _Text(
        "none at {url}, and none can start. {problems}",
        "Let HOST be an address of this machine, and use ports that no other program uses.",
    ),
    Skipped.BOT_NOT_STARTED: _Text("not checked before the bot runs", "Start it, and run `anchor-bot doctor`."),
    # --- Slack ---
    Unanswered.NO_ANSWER: _Text("{who} gave no usable answer ({why})", "Try again in a moment."),
    Unanswered.NO_CONNECTION: _Text(
        "no connection to {who}",
        "Check {setting}, and the network of this machine. The line about {who} of `anchor-bot doctor` says why.",
    ),
    Wrong.NOT_SLACK: _Text(
        "something else than Slack's Web API answers ({why})",
        "Check SLACK_API_URL: it normally ends in /api/. If it is right, a proxy answers in Slack's place.",
    ),
    Good.TOKEN_ACCEPTED: _Text("accepted, for the workspace {name} ({team}), as @{bot}"),
    Wrong.TOKEN_REFUSED: _Text("Slack refuses SLACK_BOT_TOKEN ({code})", _REINSTALL),
    Wrong.INSTALLATION_REFUSED: _Text(
        "Slack refuses the token of this workspace ({code})",
        f"{_INSTALL_AGAIN} If the workspace has left, delete it: `anchor-bot workspaces delete`.",
    ),
    Good.SCOPES_GRANTED: _Text("granted as in the manifest: {scopes}"),
    Questionable.SCOPES_EXTRA: _Text(
        "more than in the manifest: {scopes}",
        "To drop them, remove them in the app's settings, uninstall the app, and install it again.",
    ),
    Wrong.SCOPES_MISSING: _Text(
        "missing: {scopes}",
        "Add them in the app's settings (OAuth & Permissions; `anchor-bot manifest` has all), and install the app "
        "again in the workspace.",
    ),
    Skipped.SCOPES_UNKNOWN: _Text("Slack did not say which ones are granted"),
    Good.SOCKET_OPENED: _Text("a connection opened, and was closed again"),
    Good.SOCKET_IN_USE: _Text("not tried: the running bot has a connection, and another one could get its requests"),
    Wrong.SOCKET_OFF: _Text(
        "Slack says that it is switched off", "Switch it on in the app's settings (Settings > Socket Mode)."
    ),
    Wrong.APP_TOKEN_REFUSED: _Text(
        "Slack refuses SLACK_APP_TOKEN ({code})",
        "Generate an app-level token with the scope connections:write (Basic Information > App-Level Tokens).",
    ),
    Good.CHANNEL_OPEN: _Text("the bot can post to {channel}"),
    Wrong.CHANNEL_REFUSED: _Text(
        "Slack takes no message for {channel} ({code})",
        f"{_ALERTS} Check its id, and invite the bot there: /invite @anchor.",
    ),
    Questionable.MESSAGE_LEFT: _Text(
        "the bot can post to {channel}. Its scheduled message could not be deleted, and will show in an hour",
    ),
    Skipped.CHANNEL_UNSET: _Text("none is set, so each alert has to name one"),
    # --- the installation of an app for many workspaces ---
    Good.CLIENT_NOT_REFUSED: _Text("Slack does not refuse it, nor SLACK_CLIENT_ID"),
    Wrong.CLIENT_REFUSED: _Text(
        "Slack refuses SLACK_CLIENT_ID or SLACK_CLIENT_SECRET ({code}), so nobody can install the app",
        "Copy both from the app's settings (Basic Information > App Credentials).",
    ),
    # --- the public URL ---
    Good.URL_VERIFIED: _Text("a signed request to {url} came to the bot, and its answer came back"),
    Skipped.URL_UNSET: _Text("not checked", "Set BASE_URL to the bot's public URL."),
    Wrong.URL_INVALID: _Text("{problem}", "Set it to the bot's public URL, like https://bot.example.com."),
    Wrong.URL_REJECTS: _Text(
        "the bot at {url} rejects a request that is signed with SLACK_SIGNING_SECRET ({status}): {why}",
        "Give the bot and this command the same signing secret and a right clock, and let proxies forward the body "
        "and the headers X-Slack-… unchanged.",
    ),
    Wrong.URL_FOREIGN: _Text(
        "{url} is not this bot ({status})",
        "Let BASE_URL be the bot's public URL, and let the proxy forward /slack/events to it. In Socket Mode the bot "
        "does not serve it.",
    ),
    Unanswered.URL_UNAVAILABLE: _Text(
        "the proxy at {url} can't reach the bot ({status})",
        "Start the bot, and let the proxy forward to HOST and PORT.",
    ),
    # --- Anchor ---
    Good.KEY_ACCEPTED: _Text("Anchor accepts it"),
    Wrong.NOT_ANCHOR: _Text(
        "something else than Anchor's API answers ({why})",
        "Check ANCHOR_API_URL. If it is right, a proxy answers in Anchor's place.",
    ),
    Wrong.KEY_REFUSED: _Text(
        "Anchor refuses it (HTTP {status})",
        "Make a new key in Anchor's dashboard. Set it as ANCHOR_API_KEY or, with many workspaces, in the app's Home.",
    ),
    Wrong.KEY_UNSET: _Text("none is set, so nobody can pause", "An admin sets it in the app's Home."),
    # --- the database ---
    Good.DATABASE_CURRENT: _Text("answers, and its tables are current (revision {revision})"),
    Good.DATABASE_NEW: _Text("has no tables yet: the bot makes them when it starts"),
    Good.DATABASE_IN_MEMORY: _Text("in memory, as DATABASE_URL says: a restart loses it"),
    Wrong.DATABASE_OLD: _Text(
        "its tables are of an older version (revision {revision}, not {head})",
        "Start this version of the bot: it copies a SQLite file, and migrates the tables. Back PostgreSQL up before.",
    ),
    Wrong.DATABASE_NEWER: _Text(
        "its tables are of a newer version (revision {revision}, not {head})",
        "Run that version, or restore the copy from before the migration.",
    ),
    Wrong.DATABASE_UNUSABLE: _Text("{sentence}"),
    Unanswered.DATABASE_DOWN: _Text("{sentence}"),
    Good.KEYS_FIT: _Text("the keys decrypt the database"),
    Questionable.RESULTS_LOST: _Text(
        "addresses of results that are not told yet can't be decrypted, because SLACK_BOT_TOKEN or ENCRYPTION_KEYS has "
        "changed. The results are in the journal",
    ),
    Wrong.KEYS_UNFIT: _Text(
        "no key of ENCRYPTION_KEYS decrypts the database",
        "Add the key that it was created with. Without it the secrets are lost, and you need a new database.",
    ),
    Wrong.ROW_UNREADABLE: _Text("can't be read: {why}", _INSTALL_AGAIN),
    Wrong.NOT_INSTALLED: _Text("not installed", "`anchor-bot workspaces list` prints those that are."),
    Skipped.NO_WORKSPACES: _Text("none has installed the app yet", "Install it at BASE_URL/slack/install."),
    Skipped.NOT_CHECKED: _Text("not checked: see {first}"),
}


def found(finding: Finding) -> str:
    """Return what was found, for the operator."""
    return _fill(_TEXTS[finding.kind].found, finding)


def fix(finding: Finding) -> str:
    """Return how to fix it; "" if there is nothing to do."""
    return _fill(_TEXTS[finding.kind].fix, finding)


def check_line(check: Checked) -> str:
    """Return a check on one line."""
    name = f"{check.name} of {check.team_id}" if check.team_id else check.name
    text, remedy = found(check.finding), fix(check.finding)
    end = "" if text.endswith((".", "?")) else "."
    return f"{_symbol(check.finding.kind)} {name}: {text}{end}{f' Fix: {remedy}' if remedy else ''}"


def status(kind: Kind) -> str:
    """Return the status of a check, for programs."""
    match kind:
        case Good():
            return "ok"
        case Questionable():
            return "warning"
        case Wrong() | Unanswered():
            return "failed"
        case Skipped():
            return "skipped"
        case _:
            assert_never(kind)


def check_record(check: Checked) -> dict[str, str]:
    """Return a check for programs."""
    return {
        "check": check.name,
        "workspace": check.team_id,
        "status": status(check.finding.kind),
        "code": check.finding.kind,
        "found": found(check.finding),
        "fix": fix(check.finding),
    }


def channel_probe_message() -> Message:
    """Return the message that shows only if it can't be deleted, or if the bot was killed before."""
    return ephemeral(
        "Test message of the Anchor bot: it checked that it can post alerts here, and could not delete this message. "
        "It is no alert. There is nothing to do."
    )


_SYMBOLS = {"ok": "✓", "warning": "!", "failed": "✗", "skipped": "–"}  # noqa: RUF001 - the dash of a list


def _symbol(kind: Kind) -> str:
    return _SYMBOLS[status(kind)]


def _fill(text: str, finding: Finding) -> str:
    """Fill the values in. They come from other systems: none may steer a terminal."""
    return text.format_map({name: printable(value, limit=_MOST_SHOWN) for name, value in finding.values.items()})


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
