"""Qwen2, Qwen3 and Llama models as decoders."""

from __future__ import annotations

from or1_rollout.engines.transformers.cached_batch import CachedBatch
from or1_rollout.engines.transformers.cached_model import CachedModel
from or1_rollout.types import SamplingParams


class CachedDecoder(CachedModel):
    """A model of one of the three families. Fits `Decoder`."""

    takes_more_rows = has_prefixes = True

    def new_batch(self, params: SamplingParams) -> CachedBatch:
        """See `Decoder.new_batch`."""
        return CachedBatch(self, params)
