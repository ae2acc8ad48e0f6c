"""What the model reads: packed pieces of sequences, and how the CPU's attention computes them.

A piece is a sequence, or a prompt that several responses share, or a response that goes on from such a prompt.
Axes: T tokens of a micro-batch, K pieces, M tokens that are trained on.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from megatron.core.packed_seq_params import PackedSeqParams
from torch import Tensor

from or1_trainer.policy.buckets import Bucket
from or1_trainer.policy.prefix_buckets import ShortPlan


class PackedBatch(Protocol):
    """One micro-batch of packed sequences, all tensors on the device of the model."""

    @property
    def token_ids_T(self) -> Tensor:
        """Token ids, int64."""

    @property
    def positions_T(self) -> Tensor:
        """Position of each token in its own sequence, int64."""

    @property
    def cu_seqlens_K1(self) -> Tensor:
        """Start of every piece and the end of the last one, int32."""

    @property
    def prefix_K(self) -> Tensor | None:
        """The piece that a piece goes on from, int64, -1 for none; None where all pieces are whole sequences."""

    @property
    def max_seqlen(self) -> int:
        """Length of the longest sequence, its prefix included, in tokens."""

    @property
    def source_M(self) -> Tensor:
        """Row of the packed axis whose hidden state predicts each trained token, int64; rows may repeat."""

    @property
    def labels_M(self) -> Tensor:
        """The trained tokens, int64."""


@dataclass
class PackedSequences(PackedSeqParams):  # type: ignore[misc]
    """Megatron's `thd` parameters plus what our attention needs.

    Computed once per micro-batch and shared by all layers.
    """

    rotation_T: Any = None
    """cos + i sin of every token's rotary angles, complex, [T, 1, head_dim / 2]; not for short sequences on the CPU."""
    short: ShortPlan | None = None
    """CPU, short sequences."""
    buckets: tuple[Bucket, ...] = ()
    """CPU, long sequences."""
    slot_T: Any = None
    """Where each token lies among the slots of `buckets`."""
