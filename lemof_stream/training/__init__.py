"""Fitting, calibration, metrics, and offline prediction."""
