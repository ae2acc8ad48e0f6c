"""Watching a run: the metrics file, sampled rollouts, the live terminal view, alarms and the report.

Import from the modules themselves; nothing here is loaded before it is used.
"""
