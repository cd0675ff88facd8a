"""Progress bars on standard error, one a stage."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID, TimeElapsedColumn


@contextmanager
def stage_bars() -> Iterator[tuple[Callable[[str, float], None], Callable[[str], None]]]:
    """Two functions: one sets the share of a stage that is done, one prints a line above the bars."""
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(stage: str, share: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=1.0)
            bars.update(tasks[stage], completed=share)

        def notice(line: str) -> None:
            bars.console.print(line, markup=False, highlight=False, soft_wrap=True)

        yield progress, notice
