"""Predictions as a table that grows: every batch adds its rows under one heading."""

from datetime import UTC
from typing import Final

from rich.console import Console
from rich.table import Table

from lemof_stream.cli.plain import plain
from lemof_stream.client.stream import Received
from lemof_stream.contracts.predictions import Kind, Prediction

# What each shipped model predicts finds its place: risk is death's or sepsis', stay in hospital days or the hours that
# remain in intensive care.
_COLUMNS: Final = (
    ("stay", 16),
    ("ward", 15),
    ("hour", 5),
    ("kind", 11),
    ("rev", 5),
    ("risk", 6),
    ("> 3 d", 6),
    ("> 7 d", 6),
    ("stay (80%)", 20),
    ("vitals", 6),
    ("as of (UTC)", 19),
)
"""Heading and width. Fixed, so that rows of later batches stand under the first heading."""

_STYLES: Final[dict[Kind, str]] = {"provisional": "dim", "final": "", "stale": "yellow", "withheld": "red"}
_WIDTH: Final = sum(width for _, width in _COLUMNS) + 2 * len(_COLUMNS)


class PredictionTable:
    """Prints batches; one heading, then rows."""

    def __init__(self) -> None:
        console = Console()
        self._console = console if console.is_terminal else Console(width=_WIDTH)
        self._headed = False

    def show(self, batch: list[Received]) -> None:
        """Add the batch's rows."""
        table = Table(box=None, show_header=not self._headed, padding=(0, 1), header_style="bold")
        for heading, width in _COLUMNS:
            right = heading not in {"stay", "ward", "kind"}
            table.add_column(heading, width=width, no_wrap=True, justify="right" if right else "left")
        for prediction, _ in batch:
            table.add_row(*map(plain, _row(prediction)), style=_STYLES[prediction.kind])
        self._headed = True
        self._console.print(table)


def _row(prediction: Prediction) -> tuple[str, ...]:
    columns = prediction.predictions
    return (
        prediction.stay_id,
        prediction.ward,
        f"{prediction.step_end_min / 60:g}",
        prediction.kind,
        str(prediction.revision),
        _percent(columns.get("p_death", columns.get("p_sepsis"))),
        *(_percent(columns.get(name)) for name in ("p_los_gt_3", "p_los_gt_7")),
        _duration(columns, "los_days", "d") or _duration(columns, "remaining_hours", "h"),
        _percent(prediction.explanation.modality.get("vitals")),
        f"{prediction.event_time.astimezone(UTC):%Y-%m-%d %H:%M}",
    )


def _duration(columns: dict[str, float], name: str, unit: str) -> str:
    """A duration and its interval; empty where the model predicts none."""
    known = [columns[key] for key in (name, f"{name}_lo", f"{name}_hi") if key in columns]
    forms = ("{:.1f} " + unit, " ({:.1f} to ", "{:.1f})")
    return "".join(form.format(value) for form, value in zip(forms, known, strict=False))


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
