"""Experiments on what the paper leaves open: each one command, one table with intervals, one figure."""
