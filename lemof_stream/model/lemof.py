"""LeMoF, level-guided multimodal fusion (our reading of arXiv 2601.10092): the whole model, top to bottom.

E members, B rows, T steps, R = B or B * T, F features, L levels, D width, K tasks

summaries -> running features -> encoders (all levels) -> 1. stacking.py: level logits, g[m], Shapley values
-> 2. fusion.py: best levels, cross-modal attention -> 3. decision.py: integration, calibration -> readout.py: columns
running features -> boosted.py: one level of trees, which the decision weighs beside the others
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import torch
from torch import Tensor, nn

from lemof_stream.model.boosted import BoostedLevel
from lemof_stream.model.channels import all_channels
from lemof_stream.model.decision import Decision, IntegratedDecision, Parts
from lemof_stream.model.encoders import EhrEncoder, VitalsEncoder, ehr_encoder, vitals_encoder
from lemof_stream.model.features import Features, RunningFeatures
from lemof_stream.model.fusion import Attention, LevelGuidedFusion
from lemof_stream.model.inputs import State, StepInputs, StepOutput
from lemof_stream.model.members import Encoding
from lemof_stream.model.readout import make_readout
from lemof_stream.model.schema import MODALITIES, InputSchema
from lemof_stream.model.stacking import LevelHeads, StackingMetaLearner
from lemof_stream.model.tasks import TaskSet


@dataclass(frozen=True)
class Architecture:
    """Sizes and kinds; part of the checkpoint's card. `parts`: what the decision integrates."""

    members: int = 6
    vitals_width: int = 24
    ehr_width: int = 48
    ehr_levels: int = 4
    fused_width: int = 32
    dropout: float = 0.3
    trees: int = 400
    tree_depth: int = 3
    vitals_encoder: VitalsEncoder = "tcn"
    ehr_encoder: EhrEncoder = "residual_mlp"
    attention: Attention = "self"
    parts: Parts = "all"


class LeMoF(nn.Module):
    """The model. `forward` takes whole stays, `step` one step of any rows with their state."""

    def __init__(self, schema: InputSchema, task_set: TaskSet, sizes: Architecture) -> None:
        super().__init__()
        members, tasks = sizes.members, len(task_set.names)
        self.features = RunningFeatures(schema)
        self.encodings = nn.ModuleList(Encoding(width) for width in self.features.widths)
        vitals_features, ehr_features = self.features.widths
        self.vitals = vitals_encoder(
            sizes.vitals_encoder, members, vitals_features, sizes.vitals_width, sizes.dropout
        )
        self.ehr = ehr_encoder(
            sizes.ehr_encoder,
            members,
            ehr_features,
            channels=len(all_channels(schema)[1]),
            width=sizes.ehr_width,
            levels=sizes.ehr_levels,
            dropout=sizes.dropout,
        )
        widths, levels = [self.vitals.width, self.ehr.width], [self.vitals.levels, self.ehr.levels]
        self.heads = nn.ModuleList(
            LevelHeads(members, width, count, tasks) for width, count in zip(widths, levels, strict=True)
        )
        self.metas = [StackingMetaLearner(count, tasks) for count in levels]
        self.stacking = nn.ModuleList(self.metas)  # the same objects, registered
        self.fusion = LevelGuidedFusion(
            members, widths, levels, sizes.fused_width, tasks, sizes.dropout, sizes.attention
        )
        self.boosted = BoostedLevel(sizes.trees, sizes.tree_depth, tasks, len(widths))
        self.decision = IntegratedDecision(len(widths), tasks, sizes.parts)
        self.readout = make_readout(task_set)
        self.schema, self.task_set, self.sizes = schema, task_set, sizes
        own = (
            f"{name}/{level}" for name, n in zip(MODALITIES, levels, strict=True) for level in range(1, n + 1)
        )
        self.level_names = (*own, "boosted")

    def initial_state(self, rows: int) -> State:
        """The state of `rows` stays before their first step."""
        return self.features.initial_state(rows) | self.vitals.initial_state(rows)

    @cached_property
    def scaling_sha256(self) -> str:
        """Of how the model centres and scales its inputs, which its training data decided."""
        channels = self.features.channels
        return sha256(channels.centre.numpy().tobytes() + channels.scale.numpy().tobytes()).hexdigest()

    def shared_state(self, scaling_sha256: str | None) -> frozenset[str]:
        """Names of the tensors of the state that mean the same to a model of the same inputs with that scaling: running
        features are of scaled values, all but the latest ones.
        """
        alike = scaling_sha256 == self.scaling_sha256
        return frozenset(self.features.initial_state(0)) if alike else frozenset({"latest"})

    def step(self, inputs: StepInputs, state: State) -> tuple[StepOutput, State]:
        """Take one step of B rows in; the state given stays as it was."""
        features, vitals, after = self._advance(inputs, state)
        levels = [vitals, self.ehr(self.encodings[1](features.ehr))]
        return self.decide(levels, features, self.hours_passed(inputs)), after

    def after(self, inputs: StepInputs, state: State) -> State:
        """The state that `step` leaves, without the cost of an output."""
        return self._advance(inputs, state)[-1]

    def _advance(self, inputs: StepInputs, state: State) -> tuple[Features, list[Tensor], State]:
        """Everything of a step that has a state: features, the levels of the vitals, and the state after it."""
        features, after = self.features.step(inputs, state)
        vitals, rings = self.vitals.step(self.encodings[0](features.vitals), state)
        return features, vitals, after | rings

    def forward(self, inputs: StepInputs) -> StepOutput:
        """Whole stays from their first step on: [B, T, ...] -> [B, T]."""
        rows, steps = inputs.step.shape
        features = self.run_features(inputs)
        levels = self.encode(features, steps)
        out = self.decide(levels, features, self.hours_passed(inputs).flatten())
        return StepOutput(
            columns={name: column.view(rows, steps) for name, column in out.columns.items()},
            modality_share=out.modality_share.view(rows, steps, -1),
            level_share=out.level_share.view(rows, steps, -1),
            stability_share=out.stability_share.view(rows, steps),
        )

    def run_features(self, inputs: StepInputs, now: StepInputs | None = None) -> Features:
        """Features of whole stays, [B * T, ...]. `now`: the same steps as seen before they closed."""
        state, steps = self.features.initial_state(inputs.step.shape[0]), []
        for t in range(inputs.step.shape[1]):
            features, after = self.features.step(inputs.at(t), state)
            steps.append(features if now is None else self.features.step(now.at(t), state)[0])
            state = after
        return Features(
            vitals=torch.stack([f.vitals for f in steps], 1).flatten(0, 1),
            ehr=torch.stack([f.ehr for f in steps], 1).flatten(0, 1),
            seen=torch.stack([f.seen for f in steps], 1).flatten(0, 1),
        )

    def encode(self, features: Features, steps: int) -> list[list[Tensor]]:
        """All levels of every modality: [E, B * T, D] each."""
        vitals = self.vitals(self.encodings[0](features.vitals), steps)
        return [vitals, self.ehr(self.encodings[1](features.ehr))]

    def decide(self, levels: list[list[Tensor]], features: Features, hours: Tensor) -> StepOutput:
        """The decision and its columns; `hours` [R] since admission."""
        decision = self.integrate(levels, features)
        columns = self.readout(decision.logits.sigmoid(), hours)
        return StepOutput(columns, decision.modality_share, decision.level_share, decision.stability_share)

    def integrate(self, levels: list[list[Tensor]], features: Features) -> Decision:
        """The paper's three modules, members averaged."""
        seen = features.seen
        z = [heads(own).mean(1).double() for heads, own in zip(self.heads, levels, strict=True)]
        g = torch.stack([meta(own) for meta, own in zip(self.metas, z, strict=True)], 1)
        shapley = [meta.shapley(own) for meta, own in zip(self.metas, z, strict=True)]
        boosted = self.boosted(features.vitals, features.ehr).double()
        fused = self.fusion(levels, seen).mean(0).double()
        parts = self.decision.parts(g, boosted, fused, seen)
        decision: Decision = self.decision(parts, seen, shapley, self.boosted.share)
        return decision

    def hours_passed(self, inputs: StepInputs) -> Tensor:
        """Hours since admission at the end of what each row has seen."""
        minutes = (inputs.step.double() - 1) * self.schema.step_minutes + inputs.minutes_open.double()
        return minutes / 60
