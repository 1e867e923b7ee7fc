"""A sealed reply address is of use only to the person it was sealed for."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.outbound.store.secrets import seal, unseal
from harness.databases import CIPHER, OTHER_CIPHER, encrypted
from harness.product import Secret, requests

ACTOR = requests.Actor("T0HOME00001", "C0ALERTS001", "U0ALICE0001", "T0HOME00001")
ADDRESS = requests.ReplyAddress(ACTOR, Secret("https://hooks.slack.com/app/1"), "1.1", message_url="https://a.example")
IN_VIEW = replace(ACTOR, channel_id="")


@given(st.none() | st.text(min_size=1).map(Secret), st.none() | st.text(), st.text())
def test_it_comes_back_as_it_was(url: Secret | None, thread_ts: str | None, message_url: str) -> None:
    address = requests.ReplyAddress(ACTOR, url, thread_ts, message_url=message_url)
    assert unseal(seal(address, CIPHER), IN_VIEW, CIPHER) == address


@pytest.mark.parametrize(
    ("sealed", "actor"),
    [
        (seal(ADDRESS, CIPHER), replace(IN_VIEW, user_id="U0BOB000001")),
        (seal(ADDRESS, CIPHER), replace(IN_VIEW, team_id="T0NEWCO0001")),
        (seal(ADDRESS, OTHER_CIPHER), IN_VIEW),
        (encrypted("[]", "T0HOME00001/U0ALICE0001", "reply"), IN_VIEW),
        ("", IN_VIEW),
        ("\N{SNOWMAN}", IN_VIEW),
    ],
    ids=["another person", "another workspace", "another key", "another column", "nothing", "not ASCII"],
)
def test_it_is_of_no_use_to_anybody_else(sealed: str, actor: requests.Actor) -> None:
    assert unseal(sealed, actor, CIPHER) is None
