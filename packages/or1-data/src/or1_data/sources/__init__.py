"""Adapters: the rows of published sets as `Problem`s, and reading any file or hub set through one of them."""

from or1_data.sources.read import read_source
from or1_data.sources.registry import ADAPTERS, Adapter, detect

__all__ = ["ADAPTERS", "Adapter", "detect", "read_source"]
