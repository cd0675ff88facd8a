"""`lemof`: one module per group of commands."""

from typing import Final

from lemof_stream.cli.program import Program

PROGRAM: Final = Program(
    "lemof",
    "Bedside predictions from streams of vital signs and EHR events. Research use, not a medical device.",
    "lemof_stream.cli",
    (
        "demo", "run", "model", "ehr", "ward", "board", "subscribe", "audit", "dlq", "train", "search", "predict",
        "evaluate", "experiments", "signals", "bench", "data", "broker", "topics",
    ),
)  # fmt: skip


def main() -> None:
    """Run a command."""
    PROGRAM.run()
