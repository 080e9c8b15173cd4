"""Activation: which variables an environment sets, and running the scripts that set more."""
