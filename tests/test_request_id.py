"""The id of a request: its own in each task, and that of one order at most."""

import asyncio
from contextvars import copy_context

from bot import request_id


def test_only_the_first_order_of_a_request_has_its_id() -> None:
    def give_orders() -> None:
        request_id.begin()
        first, second = request_id.order_id(), request_id.order_id()
        assert first == request_id.current() != second

    copy_context().run(give_orders)
    assert request_id.current() == ""


def test_a_request_is_that_of_its_task_and_of_those_that_it_starts() -> None:
    async def read() -> str:
        return request_id.current()

    async def handle(given: str) -> list[str]:
        request_id.begin(given)
        inner = asyncio.create_task(read())
        await asyncio.sleep(0)
        return [request_id.current(), await inner]

    async def both() -> list[list[str]]:
        return list(await asyncio.gather(handle("one"), handle("two")))

    assert asyncio.run(both()) == [["one", "one"], ["two", "two"]]
