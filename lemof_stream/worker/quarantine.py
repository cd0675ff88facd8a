"""Finds the one input that the runner breaks on, so that it costs a dead letter and not the worker."""

from collections.abc import Collection, Mapping

from lemof_stream.contracts.topics import VITALS
from lemof_stream.worker.arrivals import Origin
from lemof_stream.worker.lane import Lane


class Quarantine:
    """Inputs of broken cycles are taken again one by one; the one that a cycle breaks on alone is the culprit."""

    def __init__(self) -> None:
        self.poisoned: set[Origin] = set()
        self._suspects: set[Origin] = set()

    def broke_on(self, origins: Collection[Origin]) -> Origin | None:
        """A cycle of these inputs broke; the culprit if that says who it is."""
        self._suspects.update(origins)
        if len(origins) != 1:
            return None
        [culprit] = origins
        self.poisoned.add(culprit)
        return culprit

    def chunk(self, partition: int, usual: int) -> int:
        """How many inputs of this partition may go into one cycle."""
        return 1 if partition in self._partitions() else usual

    def chosen(self, lanes: Mapping[int, Lane], usual: int) -> tuple[Mapping[int, Lane], int]:
        """The lanes of the next cycle and how many inputs it may have: suspects go first and alone."""
        suspicious = {partition: lanes[partition] for partition in self._partitions() if partition in lanes}
        return (suspicious, 1) if suspicious else (lanes, usual)

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
