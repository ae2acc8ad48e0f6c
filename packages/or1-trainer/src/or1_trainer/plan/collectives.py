"""How often the ranks communicate, as the layout says; `rehearse` compares its trace with this.

Sequence parallelism: each block (attention, feed-forward) gathers its input and scatters its output; without it each
sums its output. The embedding and the final states once more. The head sums two statistics per chunk of tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

from or1_trainer.config.schema import RunConfig
from or1_trainer.plan.shape import Shape

Counts = Mapping[tuple[str, str], int]
"""(phase, operation) -> calls in the tensor group, of one micro-batch."""


def tensor_collectives(shape: Shape, config: RunConfig, chunks: int) -> Counts:
    """Calls of one micro-batch whose response tokens fill so many chunks."""
    layers = shape.layers
    if config.parallel.tensor == 1:
        return {}
    backward_sums = 1 + 2 * layers * shape.has_qk_norm  # the head's input; scales of the norms of queries and keys
    if not config.parallel.sequence:
        forward = {"allreduce": 2 * layers + 1 + 2 * chunks}
        backward = {"allreduce": backward_sums + 2 * layers + _again(config) * layers}
    else:
        forward = {"allgather_base": 2 * layers + 1, "reduce_scatter_base": 2 * layers + 1, "allreduce": 2 * chunks}
        backward = {  # inputs are gathered again for the gradients of weights, and norms saw other tokens
            "allgather_base": 1 + 4 * layers + 2 * config.batch.recompute * layers,
            "reduce_scatter_base": 2 * layers + _again(config) * layers,
            "allreduce": backward_sums + 2 * layers + 1,
        }
    return {
        **{("forward", name): count for name, count in forward.items()},
        **{("backward", name): count for name, count in backward.items()},
    }


def _again(config: RunConfig) -> int:
    """Outputs of blocks that recomputation sums again: that of attention; the layer's own output is not needed."""
    return int(config.batch.recompute)
