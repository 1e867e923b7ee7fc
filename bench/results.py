"""The numbers of all rounds, and the ratios between applications within the same round."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from bench.applications import Application


class Results:
    """Numbers by application, name and round; and what went wrong."""

    def __init__(self, applications: Sequence[Application]) -> None:
        self.applications = applications
        self.problems: list[str] = []
        self._values: defaultdict[tuple[str, str], dict[int, float]] = defaultdict(dict)

    def add(self, application: Application, round_number: int, numbers: dict[str, float]) -> None:
        """Add the numbers of a measure."""
        for name, value in numbers.items():
            self._values[application.full_name, name][round_number] = value

    def values(self, application: Application, name: str) -> list[float]:
        """Return a number of an application, of each round that has it."""
        return list(self._values[application.full_name, name].values())

    def ratios(self, application: Application, name: str) -> list[float]:
        """Return our number divided by that of another application, for each round that has both.

        Ours is the same application of this revision, if the other is of another, else its baseline.
        """
        ours = application.name if application.full_name != application.name else application.baseline
        if ours == application.full_name:
            return []
        mine, others = self._values[ours, name], self._values[application.full_name, name]
        return [mine[number] / others[number] for number in mine if others.get(number)]


def spread(values: Sequence[float], digits: int) -> str:
    """Return the median and the range, or the value if there is only one."""
    if not values:
        return "–"
    middle = f"{median(values):,.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"
