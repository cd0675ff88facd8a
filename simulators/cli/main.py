"""`lemof-sim`: what comes in at the topics when there are no patients; one module per command."""

from typing import Final

from lemof_stream.cli.program import Program

PROGRAM: Final = Program(
    "lemof-sim",
    "Recorded and simulated wards, sent onto the topics.",
    "simulators.cli",
    ("replay", "ward", "record", "diff", "faults", "load", "compare"),
)


def main() -> None:
    """Run a command."""
    PROGRAM.run()
