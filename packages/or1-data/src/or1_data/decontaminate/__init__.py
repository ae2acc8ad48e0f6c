"""Decontamination: how a row overlaps a benchmark item, scored, classified and shown side by side."""

from or1_data.decontaminate.index import BenchmarkIndex, build_index
from or1_data.decontaminate.match import DecontaminateSettings, Match, Matcher
from or1_data.decontaminate.stage import annotate_contamination

__all__ = ["BenchmarkIndex", "DecontaminateSettings", "Match", "Matcher", "annotate_contamination", "build_index"]
