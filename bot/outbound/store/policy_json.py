"""Encode policies as canonical JSON, and decode them strictly: an unknown or missing field could be a restriction."""

import json
from typing import Any

from bot.core.policy import Policy, Rule
from bot.outbound.workspaces import UnreadableError

_VERBS = ("pause", "resume")
_SETS = ("users", "channels")


def write_policy(policy: Policy) -> str:
    """Encode a policy."""
    return json.dumps({verb: _write_rule(getattr(policy, verb)) for verb in _VERBS})


def read_policy(text: str | None) -> Policy:
    """Decode a policy; None is the default policy. Raises UnreadableError."""
    if text is None:
        return Policy()
    try:
        return Policy(**{verb: _read_rule(rule) for verb, rule in _exactly(_VERBS, json.loads(text)).items()})
    except (ValueError, RecursionError):
        raise UnreadableError("this version cannot read the policy") from None


def _write_rule(rule: Rule) -> dict[str, list[str]]:
    return {name: sorted(getattr(rule, name)) for name in _SETS}


def _read_rule(value: object) -> Rule:
    return Rule(**{name: _read_ids(ids) for name, ids in _exactly(_SETS, value).items()})


def _read_ids(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError
    return frozenset(value)


def _exactly(names: tuple[str, ...], value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise ValueError
    return value
