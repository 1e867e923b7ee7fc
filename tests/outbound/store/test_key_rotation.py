"""The keys that encrypt a database: checked at each start, and rotated all at once."""

from collections.abc import Callable

import pytest

from bot.outbound.store.secrets import FieldRef, rotate
from harness.databases import KEY, OTHER_KEY
from harness.order_rows import RESPONSE_URL, order_row, rows_of
from harness.product import Secret, errors, open_store, workspace
from harness.stored import ACME, ANCHOR_KEY, execute, fetch

pytestmark = pytest.mark.anyio


async def refusal(url: str, key: Secret) -> str:
    with pytest.raises(errors.StoreNotUsableError) as caught:
        async with open_store(Secret(url), [key]):
            pass
    return str(caught.value)


async def test_a_key_is_needed_from_its_first_start_until_a_rotation(
    database_url: str, wording: Callable[[str, str], None]
) -> None:
    for keys in ([KEY], [OTHER_KEY, KEY]):
        async with open_store(Secret(database_url), keys):
            pass
    wording("wrong keys", await refusal(database_url, KEY))
    async with open_store(Secret(database_url), [KEY, OTHER_KEY]) as store:  # the refused one has left nothing behind
        await store.rows.save(ACME)
        await store.rows.set_key(ACME.team_id, ANCHOR_KEY)
        await store.rows.save_ids(workspace.Workspace("T0GLOBEX001", Secret("xoxb-1"), None))  # which has no secret
        await rows_of(store).write(order_row())
    wording("wrong keys", await refusal(database_url, OTHER_KEY))
    async with open_store(Secret(database_url), [OTHER_KEY, KEY]) as store:
        assert await rotate(store.database, store.cipher) == 3
    async with open_store(Secret(database_url), [OTHER_KEY]) as store:
        ((order_id, reply),) = await fetch(store, "SELECT id, reply FROM orders")
        assert RESPONSE_URL in store.cipher.decrypt(reply, FieldRef(order_id, "reply")).reveal()
        found = await store.rows.find(ACME.team_id)
        assert found
        assert (found.bot_token, found.anchor_key) == (ACME.bot_token, ANCHOR_KEY)
    wording("wrong keys", await refusal(database_url, KEY))


async def test_a_rotation_that_can_not_read_everything_changes_nothing(database_url: str) -> None:
    async with open_store(Secret(database_url), [KEY]) as store:
        await store.rows.save(ACME)
        await execute(store, "UPDATE workspaces SET anchor_api_key = 'damaged'")
    async with open_store(Secret(database_url), [OTHER_KEY, KEY]) as store:
        with pytest.raises(errors.UnreadableError, match=r"anchor_api_key of T0HOME00001"):
            await rotate(store.database, store.cipher)
        await execute(store, "UPDATE workspaces SET anchor_api_key = NULL")
    async with open_store(Secret(database_url), [KEY], keys_must_fit=False) as store:
        found = await store.rows.find(ACME.team_id)
        assert found
        assert found.bot_token == ACME.bot_token
