"""Slack's error codes that mean the same for every method."""

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
"""Slack knows no such token, or no longer accepts it. https://docs.slack.dev/reference/methods/auth.test"""
