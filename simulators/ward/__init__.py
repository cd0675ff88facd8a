"""A simulated ward: patients of `simulators.physiology` in beds, on monitors, in a record."""

from simulators.ward.timeline import OCCUPANCY, ward

__all__ = ["OCCUPANCY", "ward"]
