"""Patients of an intensive-care ward: a mechanism, not noise. `README.md` here says where its numbers come from."""

from simulators.physiology import chart
from simulators.physiology.archetypes import ARCHETYPES, Archetype
from simulators.physiology.labs import BLOOD, GAS, LACTATE, LIPIDS, LIVER, TROPONIN_I, TROPONIN_T, Laboratory
from simulators.physiology.patients import SIGNS, Patients
from simulators.physiology.people import People, meet
from simulators.physiology.state import Floats, Ints, Mask

__all__ = [
    "ARCHETYPES", "BLOOD", "GAS", "LACTATE", "LIPIDS", "LIVER", "SIGNS", "TROPONIN_I", "TROPONIN_T",
    "Archetype", "Floats", "Ints", "Laboratory", "Mask", "Patients", "People", "chart", "meet",
]  # fmt: skip
