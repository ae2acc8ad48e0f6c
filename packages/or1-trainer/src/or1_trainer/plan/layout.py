"""Which layouts a model and a number of GPUs admit."""

from __future__ import annotations

from dataclasses import dataclass

from or1_trainer.plan.shape import Shape

NODE_GPUS = 8
"""Tensor parallelism stays inside a node: its all-reduces run twice a layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Ranks that share one copy of the weights, and copies."""

    tensor: int
    data: int


def uncut(shape: Shape, tensor: int) -> list[str]:
    """Sizes, by their names in `config.json`, that this tensor-parallel size does not divide."""
    sizes = {
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "intermediate_size": shape.intermediate,
    }
    return [f"{name} = {size}" for name, size in sizes.items() if size % tensor]


def conflicts(shape: Shape, gpus: int, tensor: int) -> list[str]:
    """Why this tensor-parallel size cannot be; empty when it can."""
    found = [f"tensor = {tensor} does not divide {size}" for size in uncut(shape, tensor)]
    if gpus % tensor:
        found.append(f"tensor = {tensor} does not divide {gpus} GPUs")
    if tensor > NODE_GPUS:
        found.append(f"tensor = {tensor} reaches beyond a node of {NODE_GPUS} GPUs")
    return found


def layouts(shape: Shape, gpus: int) -> list[Layout]:
    """All that can be, smallest tensor-parallel size first."""
    sizes = [size for size in range(1, min(gpus, NODE_GPUS) + 1) if not conflicts(shape, gpus, size)]
    return [Layout(tensor=size, data=gpus // size) for size in sizes]
