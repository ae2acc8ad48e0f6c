"""Metrics of a run: the log, sampled rollouts, alarms, external services."""
