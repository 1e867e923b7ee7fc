"""Remember for a while what was seen, so that nothing is carried out twice."""

from collections import OrderedDict
from collections.abc import Callable


class Once:
    """Recognises a key that comes again within `period` seconds of its first coming."""

    def __init__(self, *, period: float, clock: Callable[[], float]) -> None:
        self._period = period
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()

    def first(self, key: str) -> bool:
        """Whether `key` is seen for the first time; from now on it is known."""
        now = self._clock()
        while self._seen and next(iter(self._seen.values())) <= now - self._period:
            self._seen.popitem(last=False)
        if key in self._seen:
            return False
        self._seen[key] = now
        return True
