"""How many levels are fused, how they are chosen, and how they are weighted."""

from dataclasses import replace

from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.experiments.variants import compare_finished


def run(setting: Setting) -> list[Variant]:
    """The default, the best 2 by importance, then one change at a time."""
    recipe = setting.recipe
    recipes = {
        f"best {recipe.best_levels}": recipe,
        "best 1": replace(recipe, best_levels=1),
        "best 3": replace(recipe, best_levels=3),
        "all": replace(recipe, level_choice="all"),
        "all, equal weights": replace(recipe, level_choice="all", level_weighting="equal"),
        "best 2, equal weights": replace(recipe, level_weighting="equal"),
        "last 1": replace(recipe, level_choice="last", best_levels=1),
        "last 2": replace(recipe, level_choice="last"),
        "random 1": replace(recipe, level_choice="random", best_levels=1),
        "random 2": replace(recipe, level_choice="random"),
    }
    tables = compare_finished(setting, {name: (setting.sizes, own) for name, own in recipes.items()})
    return [Variant(name, own) for name, own in tables.items()]
