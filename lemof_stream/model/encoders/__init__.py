"""Encoders of a modality, all with one interface; which of them a model has is part of its architecture."""

from typing import Literal, get_args

from lemof_stream.model.encoders.ft_transformer import EhrFTTransformer
from lemof_stream.model.encoders.gru import VitalsGRU
from lemof_stream.model.encoders.protocol import PointwiseEncoder, TemporalEncoder
from lemof_stream.model.encoders.residual_mlp import EhrResidualMLP
from lemof_stream.model.encoders.tcn import DILATIONS, VitalsTCN
from lemof_stream.model.encoders.transformer import VitalsTransformer
from lemof_stream.model.features import STATISTICS

__all__ = [
    "DILATIONS",
    "EhrEncoder",
    "EhrFTTransformer",
    "EhrResidualMLP",
    "PointwiseEncoder",
    "TemporalEncoder",
    "VitalsEncoder",
    "VitalsGRU",
    "VitalsTCN",
    "VitalsTransformer",
    "ehr_encoder",
    "vitals_encoder",
]

VitalsEncoder = Literal["tcn", "gru", "transformer"]
EhrEncoder = Literal["residual_mlp", "ft_transformer"]


def vitals_encoder(
    name: VitalsEncoder, members: int, features: int, width: int, dropout: float
) -> TemporalEncoder:
    """The vitals encoder of that name.

    Raises:
        ValueError: no vitals encoder has that name.
    """
    match name:
        case "tcn":
            return VitalsTCN(members, features, width, dropout)
        case "gru":
            return VitalsGRU(members, features, width, dropout)
        case "transformer":
            return VitalsTransformer(members, features, width, dropout)
    raise ValueError(f"vitals_encoder is {name!r} where one of {', '.join(get_args(VitalsEncoder))} is due")


def ehr_encoder(
    name: EhrEncoder, members: int, features: int, channels: int, width: int, levels: int, dropout: float
) -> PointwiseEncoder:
    """The EHR encoder of that name, for running features of so many `channels`.

    Raises:
        ValueError: no EHR encoder has that name.
    """
    match name:
        case "residual_mlp":
            return EhrResidualMLP(members, features, width, levels, dropout)
        case "ft_transformer":
            # Half the width gives it the parameters of the residual MLP, and a third of the cost it had.
            return EhrFTTransformer(members, features, channels, len(STATISTICS), width // 2, levels, dropout)
    raise ValueError(f"ehr_encoder is {name!r} where one of {', '.join(get_args(EhrEncoder))} is due")
