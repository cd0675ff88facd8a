"""Scores of predictions on recorded stays: by hours observed, calibration, groups of patients."""
