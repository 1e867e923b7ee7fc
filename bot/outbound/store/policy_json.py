"""How a policy stands in the database: as JSON, the same for the same policy.

It is read strictly: a text with more or less in it than is written here may be meant to narrow what it would seem to
leave open, so it is no policy.
"""

import json
from typing import Any

from bot.core.policy import Policy, Rule
from bot.outbound.store.errors import UnreadableError

_VERBS = ("pause", "resume")
_SETS = ("users", "channels")


def write_policy(policy: Policy) -> str:
    """The text for a policy."""
    return json.dumps({verb: _write_rule(getattr(policy, verb)) for verb in _VERBS})


def read_policy(text: str | None) -> Policy:
    """The policy of a text; the default where there is none. Raises UnreadableError."""
    if text is None:
        return Policy()
    try:
        return Policy(**{verb: _read_rule(rule) for verb, rule in _exactly(_VERBS, json.loads(text)).items()})
    except (ValueError, RecursionError):
        raise UnreadableError("the policy is none that this version can read") from None


def _write_rule(rule: Rule) -> dict[str, list[str]]:
    return {name: sorted(getattr(rule, name)) for name in _SETS}


def _read_rule(value: object) -> Rule:
    return Rule(**{name: _read_ids(ids) for name, ids in _exactly(_SETS, value).items()})


def _read_ids(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError
    return frozenset(value)


def _exactly(names: tuple[str, ...], value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise ValueError
    return value
