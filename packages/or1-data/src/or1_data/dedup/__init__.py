"""Exact and near duplicates, within and across sources: found by hashing, proved by counting, dropped one by one."""

from or1_data.dedup.join import Pairs, exact_pairs, near_pairs
from or1_data.dedup.settings import DedupSettings
from or1_data.dedup.stage import annotate_duplicates

__all__ = ["DedupSettings", "Pairs", "annotate_duplicates", "exact_pairs", "near_pairs"]
