"""Layouts (tensor x data parallel) that are possible for a model and a number of GPUs."""

from __future__ import annotations

from dataclasses import dataclass

from or1_trainer.plan.shape import Shape

NODE_GPUS = 8
"""Tensor parallelism stays inside a node, because it needs two all-reduces per layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`tensor` ranks share one copy of the weights; there are `data` copies."""

    tensor: int
    data: int

    @property
    def gpus(self) -> int:
        """All ranks."""
        return self.tensor * self.data


def indivisible_sizes(shape: Shape, tensor: int) -> list[str]:
    """Return the sizes (by their names in `config.json`) that the tensor-parallel size does not divide."""
    sizes = {
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "intermediate_size": shape.intermediate,
    }
    return [f"{name} = {size}" for name, size in sizes.items() if size % tensor]


def conflicts(shape: Shape, gpus: int, tensor: int) -> list[str]:
    """Return the reasons why this tensor-parallel size is impossible; empty if it is possible."""
    found = [f"tensor = {tensor} does not divide {size}" for size in indivisible_sizes(shape, tensor)]
    if gpus % tensor:
        found.append(f"tensor = {tensor} does not divide {gpus} GPUs")
    if tensor > NODE_GPUS:
        found.append(f"tensor = {tensor} is larger than a node of {NODE_GPUS} GPUs")
    return found


def layouts(shape: Shape, gpus: int) -> list[Layout]:
    """Return all possible layouts, smallest tensor-parallel size first."""
    sizes = [size for size in range(1, min(gpus, NODE_GPUS) + 1) if not conflicts(shape, gpus, size)]
    return [Layout(tensor=size, data=gpus // size) for size in sizes]
