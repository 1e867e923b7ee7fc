"""Fetch and read the metrics of a running bot."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from harness.process import fetch


@dataclass(frozen=True, slots=True)
class Metrics:
    """The samples of one scrape, by name and labels."""

    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of the samples with these labels; there must be some."""
        found = [
            value for (its_name, its), value in self.samples.items() if its_name == name and labels.items() <= set(its)
        ]
        assert found, f"no {name} {labels}"
        return sum(found)

    @property
    def names(self) -> set[str]:
        """The names of the samples."""
        return {name for name, _ in self.samples}


def read(page: str) -> Metrics:
    """Read a page."""
    families = text_string_to_metric_families(page)
    return Metrics(
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }
    )


async def scrape(port: int) -> Metrics:
    """Fetch the metrics on a port."""
    return read(await fetch(f"http://127.0.0.1:{port}/metrics"))
