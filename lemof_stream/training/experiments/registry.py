"""Every experiment by its name."""

from lemof_stream.training.experiments import amount, attention, cost, levels, missing, modules
from lemof_stream.training.experiments.setting import Experiment

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            "levels",
            "How many levels should be fused, and how should they be chosen and weighted?",
            levels.run,
        ),
        Experiment("attention", "Which kind of cross-modal attention helps?", attention.run),
        Experiment(
            "amount",
            "How much training data does LeMoF need?",
            amount.run,
            ("LightGBM on the same people is not compared yet.",),
        ),
        Experiment(
            "missing",
            "What happens when a modality is missing, late or noisy where the model is used?",
            missing.run,
            (
                "Nothing is trained for it beyond the recipe's modality dropout.",
                "A late value counts as new when it arrives.",
                "Early and late fusion are not compared yet.",
            ),
        ),
        Experiment(
            "cost",
            "What does fusion cost over its baselines, and what does a step save over computing all steps again?",
            cost.run,
            (
                "The shipped checkpoint, 1,024 beds at once, one thread.",
                "Medians of interleaved repeats of one run, in brackets quartiles.",
                "The first five rows are sums of the parts of a step, each timed alone.",
                "A baseline's numbers count its heads; rivals of equal size are not compared yet.",
            ),
        ),
        Experiment("modules", "What does each module, and the boosted level, add?", modules.run),
    )
}
