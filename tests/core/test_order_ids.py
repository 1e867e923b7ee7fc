"""The ids of orders keep the order in which they were given."""

from bot.request_id import new_id


def test_ids_of_one_millisecond_count_up() -> None:
    ids = [new_id() for _ in range(5_000)]
    assert len({one[:12] for one in ids}) < len(ids) / 10
    assert ids == sorted(set(ids))
    assert {len(one) for one in ids} == {28}
