"""The manifest of the Slack app, the link that creates the app from it, and where that can be opened."""

import json
import re
from urllib.parse import quote

from bot.cli.terminal import UNUSABLE_SETTINGS, NotDoneError

# https://docs.slack.dev/reference/app-manifest
_TEMPLATE = """\
# Manifest of the Slack app, printed by `anchor-bot manifest`, which has options for HTTP and for many workspaces.
# To create the app: https://api.slack.com/apps > Create New App > From a manifest.
_metadata:
  major_version: 2
display_information:
  name: Anchor
  description: Pause a runaway Anchor Browser agent, at once.
  long_description: >-
    An emergency brake for AI agents in Anchor Browser sessions. When an agent goes wrong, type
    /anchor-pause, alone or with its session id: the agent is paused within seconds, and everybody in the
    channel sees what happened and what to do next. The bot says what it knows and never more than that.
  background_color: "#1f2a44"
features:
  app_home:
    home_tab_enabled: true # shows the settings of the workspace, and to admins the buttons to change them
    messages_tab_enabled: true # the bot sends DMs: results it could not post to the channel, and notices to admins
    messages_tab_read_only_enabled: true # a message to the bot would get no answer; commands do not work there either
  bot_user:
    display_name: anchor
    always_online: true
  shortcuts:
    - name: Pause an agent # in the composer and in the search of every client
      type: global
      callback_id: anchor_pause_an_agent
      description: Show the Anchor sessions that run, and pause one
    - name: Pause Anchor agent # in the menu of every message, also in threads
      type: message
      callback_id: anchor_pause_from_message
      description: Pause the agent whose session id is in the message
  slash_commands:
    - command: /anchor-pause
      url: $events_url
      description: Pause the AI agent of an Anchor session
      usage_hint: "[session_id or words] [reason]"
      should_escape: false
    - command: /anchor-resume
      url: $events_url
      description: Let the paused AI agent of an Anchor session go on
      usage_hint: "[session_id or words] [reason]"
      should_escape: false
oauth_config:
  redirect_urls: [$redirect_url]
  scopes:
    bot:
      - commands # the slash commands, and the shortcuts
      - users:read # people's roles: guests, bots and people of other companies can do nothing, admins change settings
      - chat:write # alerts, and results if the command's own reply fails: in the channel, or as a DM
settings:
  event_subscriptions:
    request_url: $events_url
    bot_events:
      - app_home_opened # somebody opens the Home tab
      - app_uninstalled # the bot deletes the data of the workspace
      - tokens_revoked
  interactivity:
    is_enabled: true # the shortcut, the Pause and Resume buttons, and the buttons, menus and modals for admins
    request_url: $events_url
  org_deploy_enabled: false # one installation, one workspace, one Anchor key
  socket_mode_enabled: $socket_mode
  token_rotation_enabled: false
"""
_COMMENT = re.compile(r"(?:^| +)# .*", re.MULTILINE)


def manifest(base_url: str | None = None, *, many: bool = False) -> str:
    """Return the manifest as YAML: for Socket Mode without a URL. `many` adds the page where installations end.

    Raises NotDoneError for many workspaces without a URL.
    """
    if many and base_url is None:
        raise NotDoneError("--many needs --http URL: browsers go there to install the app.", code=UNUSABLE_SETTINGS)
    base_url = base_url and base_url.rstrip("/")
    values = {
        "$events_url": base_url and json.dumps(f"{base_url}/slack/events"),
        "$redirect_url": base_url and many and json.dumps(f"{base_url}/slack/oauth_redirect"),
        "$socket_mode": json.dumps(base_url is None),
    }
    text = _TEMPLATE
    for name, value in values.items():
        text = text.replace(name, value) if value else re.sub(rf".*{re.escape(name)}.*\n", "", text)
    return text


def creation_link(manifest: str) -> str:
    """Return the link to the page of Slack that creates an app from a manifest; comments would make it longer."""
    lines = filter(None, _COMMENT.sub("", manifest).splitlines())
    return "https://api.slack.com/apps?new_app=1&manifest_yaml=" + quote("\n".join(lines), safe=":/,")
