"""Finds the one input that the runner breaks on, so that it costs a dead letter and not the worker."""

from collections.abc import Collection, Mapping
from typing import Final

from lemof_stream.contracts.topics import VITALS
from lemof_stream.worker.arrivals import Origin
from lemof_stream.worker.lane import Lane

_SHARE: Final = 16
"""A broken cycle is taken again in so many parts: of 100,000 inputs the culprit is found within 80 cycles."""


class Quarantine:
    """Inputs of a broken cycle are taken again in ever smaller parts; the one that breaks one alone is the culprit."""

    def __init__(self) -> None:
        self.poisoned: set[Origin] = set()
        self._suspects: set[Origin] = set()
        self._part = 1

    def broke_on(self, origins: Collection[Origin]) -> Origin | None:
        """A cycle of these inputs broke; the culprit if that says who it is."""
        if len(origins) != 1:
            self._suspects.update(origins)
            self._part = max(len(origins) // _SHARE, 1)
            return None
        [culprit] = origins
        self.poisoned.add(culprit)
        self._suspects.clear()  # the others are acquitted until a cycle breaks again
        return culprit

    def chunk(self, partition: int, usual: int) -> int:
        """How many inputs of this partition may go into one cycle."""
        return self._part if partition in self._partitions() else usual

    def chosen(self, lanes: Mapping[int, Lane], usual: int) -> tuple[Mapping[int, Lane], int]:
        """The lanes of the next cycle and how many inputs it may have: suspects go first and alone."""
        suspicious = {partition: lanes[partition] for partition in self._partitions() if partition in lanes}
        return (suspicious, self._part) if suspicious else (lanes, usual)

    def clear(self, lanes: Mapping[int, Lane]) -> None:
        """Inputs that a lane is past have been taken, and broke nothing more."""
        self._suspects = {origin for origin in self._suspects if not _past(lanes, origin)}

    def keep_only(self, partitions: Collection[int]) -> None:
        """The other partitions are not ours any more."""
        self._suspects = {origin for origin in self._suspects if origin[1] in partitions}

    def _partitions(self) -> set[int]:
        return {partition for _, partition, _ in self._suspects}


def _past(lanes: Mapping[int, Lane], origin: Origin) -> bool:
    topic, partition, offset = origin
    lane = lanes.get(partition)
    return lane is not None and offset < (lane.next_window if topic == VITALS else lane.next_feature)
