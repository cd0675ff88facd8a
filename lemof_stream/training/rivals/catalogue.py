"""Every rival by its name."""

from collections.abc import Callable
from functools import partial

from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.rivals import fusions
from lemof_stream.training.rivals.attention import BottleneckTokens, MulT
from lemof_stream.training.rivals.boosting import LightGBM
from lemof_stream.training.rivals.logistic import LogisticRegression
from lemof_stream.training.rivals.networks import FusionRival, LeMoFRival
from lemof_stream.training.rivals.rival import Rival

FUSIONS: dict[str, type[fusions.Fusion]] = {
    "vitals alone": fusions.VitalsAlone,
    "ehr alone": fusions.EhrAlone,
    "early fusion": fusions.EarlyFusion,
    "late fusion": fusions.LateFusion,
    "gated late fusion": fusions.GatedLateFusion,
    "tfn": fusions.TensorFusion,
    "lmf": fusions.LowRankFusion,
    "mult": MulT,
    "mbt": BottleneckTokens,
    "medfuse": fusions.MedFuse,
}

RIVALS: dict[str, Callable[[LeMoF], Rival]] = {
    "lemof": lambda base: LeMoFRival("lemof", base, trees=base.sizes.trees),
    "lemof networks": lambda base: LeMoFRival("lemof networks", base, trees=0),
    **{name: partial(FusionRival, name, kind=kind) for name, kind in FUSIONS.items()},
    "logistic regression": LogisticRegression,
    "lightgbm": lambda base: LightGBM(base.task_set),
}
"""Each made from an untrained LeMoF whose scales are fitted, of which it takes what it needs."""
