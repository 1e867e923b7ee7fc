"""docs/messages.md shows the messages as they are."""

from harness.messages_page import PAGE, page
from harness.wording import SNAPSHOT, read


def test_the_page_has_every_message_of_the_snapshot() -> None:
    assert PAGE.read_text() == page(read(SNAPSHOT.read_text())), "run scripts/test --update"
