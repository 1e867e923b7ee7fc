"""Reply addresses come out of the database as they went in."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.outbound.store.running_orders import read_reply, write_reply
from harness.databases import CIPHER
from harness.order_rows import clicked_messages
from harness.product import Secret, requests

ReplyAddress = requests.ReplyAddress
ACTOR = requests.Actor("T0HOME00001", "C0ALERTS001", "U0ALICE0001")

objects = st.lists(st.dictionaries(st.text(), st.text() | st.none() | st.lists(st.booleans()))).map(tuple)
addresses = st.builds(
    ReplyAddress,
    st.just(ACTOR),
    st.none() | st.text(min_size=1).map(Secret),
    st.none() | st.text(),
    st.none() | clicked_messages(st.text(), objects),
    st.text(),
)


@settings(max_examples=50)
@given(addresses)
def test_every_reply_address_is_read_as_it_was_written(address: requests.ReplyAddress) -> None:
    text = write_reply("1", address, "v", CIPHER)
    assert read_reply("1", ACTOR, address.thread_ts, text, CIPHER) == (address, "v")  # also without an address
