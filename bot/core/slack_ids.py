"""Slack's ids, and the error codes that every method shares."""

import re

SLACK_ID = re.compile(r"[A-Z0-9]{2,40}", re.ASCII)
"""Any id."""

CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{2,30}", re.ASCII)
"""The id of a conversation."""

USER_ID = re.compile(r"[UW][A-Z0-9]{2,30}", re.ASCII)
"""The id of a person."""

TOKEN_REFUSED = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
"""The error codes for a token that Slack does not know or no longer accepts. https://docs.slack.dev/reference/methods/auth.test"""
