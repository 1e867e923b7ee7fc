"""A policy that names very many people and channels fits into the texts that show it."""

import pytest

from bot.core.policy import NotHere, NotNamed, Policy, Role, Rule
from bot.core.requests import Verb
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.messages.admin_notices import policy_message
from bot.messages.home import Home, home_view
from bot.messages.policy import who_can
from bot.sim.slack import block_kit
from harness import outcome_text

MANY = Rule(frozenset(f"U{number:030}" for number in range(300)), frozenset(f"C{number:030}" for number in range(300)))


def test_a_rule_names_the_first_forty_and_counts_the_others() -> None:
    line = who_can(Verb.PAUSE, MANY)
    assert (line.count("<@U"), line.count("<#C"), line.count("260")) == (40, 40, 2)
    assert len(line) <= 3000


@pytest.mark.parametrize(("count", "others"), [(5, ""), (6, "1"), (40, "35"), (41, "36")])
def test_a_refusal_names_the_first_five_and_points_to_home_if_that_names_all(count: int, others: str) -> None:
    users, channels = (frozenset(f"{letter}NAMED{chr(65 + number)}" for number in range(count)) for letter in "UC")
    for refusal, mention in ((NotNamed(users), "<@U"), (NotHere(channels), "<#C")):
        text = outcome_text(refusal, session="(session)")
        assert (text.count(mention), "".join(filter(str.isdigit, text))) == (5, others)
        assert ("Home" in text) is (5 < count <= 40)


def test_home_and_messages_hold_a_rule_of_very_many() -> None:
    policy = Policy(pause=MANY, resume=MANY)
    for role in Role:
        view = home_view(Home(Workspace("T1", Secret("xoxb-1"), None, policy, is_managed=True), role, "e1"))
        assert block_kit.problems(list(view.blocks), surface="home") == []
    assert len(policy_message("U1", policy).text) < 40_000
