"""Kinds of cross-modal attention, with as many weights as each needs."""

from dataclasses import replace
from typing import get_args

from lemof_stream.model.fusion import Attention
from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.experiments.variants import compare_finished


def run(setting: Setting) -> list[Variant]:
    """Every kind, the default first."""
    variants = {
        kind: (replace(setting.sizes, attention=kind), setting.recipe) for kind in get_args(Attention)
    }
    return [Variant(name, tables) for name, tables in compare_finished(setting, variants).items()]
