"""Every rival by its name."""

from collections.abc import Callable

from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.rivals.boosting import LightGBM
from lemof_stream.training.rivals.rival import Rival

RIVALS: dict[str, Callable[[LeMoF], Rival]] = {
    "lightgbm": lambda base: LightGBM(base.task_set),
}
"""Made from an untrained LeMoF whose scales are fitted, of which fusions take sizes, scales and encoders' widths."""
