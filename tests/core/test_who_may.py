"""Who may do what, in words that fit where they are shown."""

from bot.core.messages.changes import policy_message
from bot.core.messages.home import Home, home_view
from bot.core.messages.policy import who_may
from bot.core.policy import EVERYBODY, Policy, Role, Rule
from bot.core.requests import Verb
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.sim.slack import block_kit

MANY = Rule(frozenset(f"U{number:030}" for number in range(300)), frozenset(f"C{number:030}" for number in range(300)))


def test_a_rule_names_people_and_channels() -> None:
    assert who_may(Verb.PAUSE, EVERYBODY.pause) == (
        "*Who may pause:* every full member of this workspace, anywhere in Slack."
    )
    rule = Rule(frozenset({"U2", "U1"}), frozenset({"C1"}))
    assert who_may(Verb.RESUME, rule) == "*Who may resume:* <@U1>, <@U2>, only in <#C1>."


def test_of_very_many_the_first_are_named() -> None:
    line = who_may(Verb.PAUSE, MANY)
    assert line.count("and 260 more") == 2
    assert len(line) <= 3000


def test_home_and_messages_hold_a_rule_of_very_many() -> None:
    policy = Policy(pause=MANY, resume=MANY)
    for role in Role:
        view = home_view(Home(Workspace("T1", Secret("xoxb-1"), None, policy, is_managed=True), role, "e1"))
        assert block_kit.problems(list(view.blocks), surface="home") == []
    assert len(policy_message("U1", policy).text) < 40_000
