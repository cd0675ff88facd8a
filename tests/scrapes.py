"""Scrapes a process's metrics as Prometheus does."""

from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

Series = tuple[str, frozenset[tuple[str, str]]]


class Scrape:
    """One answer of `/metrics`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._values: dict[Series, float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """That of one series, which has to be there."""
        return self._values[name, frozenset(labels.items())]

    def by(self, name: str, label: str) -> dict[str, float]:
        """The values of a metric by one of its labels, summed over the others; histogram buckets are left out."""
        found: dict[str, float] = {}
        for (of, labels), value in self._values.items():
            if of == name:
                key = dict(labels)[label]
                found[key] = found.get(key, 0.0) + value
        return found

    def labels(self) -> set[str]:
        """Every value that a label of ours has."""
        return {
            value
            for name, labels in self._values
            if name.startswith("lemof_")
            for key, value in labels
            if key != "le"  # the edges of histograms
        }


async def scrape(address: str | None) -> Scrape:
    return Scrape((await _get(f"{address}/metrics"))[1])


async def health(address: str | None) -> int:
    """The status of the liveness probe."""
    return (await _get(f"{address}/healthz"))[0]


async def _get(url: str) -> tuple[int, str]:
    async with ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()
