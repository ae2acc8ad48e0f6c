"""Which part of the model an operation belongs to, and to which layer.

In the forward pass the call stack tells. In the backward pass it ends at `loss.backward()`: there every node of the
graph has the part and the layer that its operation had when autograd numbered it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cache
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

import torch

PARTS: Final = (
    ("megatron/core/utils.py", "GlobalMemoryBuffer", "gather buffer"),
    ("policy/token_stats.py", "", "logits"),
    ("policy/norm.py", "", "norms"),
    ("policy/rope.py", "", "attention"),
    ("policy/attention.py", "", "attention"),
    ("policy/block_attention.py", "", "attention"),
    ("fusions/fused_bias_swiglu.py", "", "feed-forward"),
    ("transformer/mlp.py", "", "feed-forward"),
    ("policy/layer.py", "PackedSelfAttention.forward", "attention"),
    ("policy/layer.py", "", "residual stream"),
    ("hf_weights/", "", "gathered weights"),
    ("optimizer/", "", "optimizer step"),
    ("policy/model.py", "", "embedding and final states"),
    ("algorithm/", "", "loss"),
    ("train/", "", "loss"),
)
"""File, function (empty: any), part; the innermost frame that is here decides."""


class Owner(NamedTuple):
    """Part of the model, and layer; None outside of the layers."""

    part: str
    layer: int | None


@dataclass(slots=True)
class Owners:
    """Follows one trace."""

    layer: int | None = None
    """The layer whose forward pass runs."""
    _by_number: dict[int, Owner] = field(default_factory=dict)

    def follow(self, layers: Any) -> None:
        """Note when each of these modules runs forward."""
        for index, layer in enumerate(layers):
            layer.register_forward_pre_hook(lambda *_, index=index: setattr(self, "layer", index))
            layer.register_forward_hook(lambda *_: setattr(self, "layer", None))

    def present(self) -> Owner:
        """The owner of the operation that is being dispatched."""
        node = torch._C._current_autograd_node()
        outer = self._by_number.get(node._sequence_nr()) if node is not None else None
        layer = self.layer if outer is None else outer.layer
        owner = Owner(self._part(outer), layer)
        # a node is numbered before its operation runs; a number that is known has no new node
        self._by_number.setdefault(torch._C._autograd._get_sequence_nr() - 1, owner)
        return owner

    def _part(self, outer: Owner | None) -> str:
        frame: FrameType | None = sys._getframe(3)
        while frame is not None:
            part = _part_of(frame.f_code)
            if part is not None:
                return part if outer is None or part != "loss" else outer.part
            frame = frame.f_back
        return outer.part if outer is not None else "other"


@cache
def _part_of(code: CodeType) -> str | None:
    file = code.co_filename
    is_ours = "/or1_trainer/" in file and "/or1_trainer/rehearse/" not in file
    if not is_ours and "/megatron/core/" not in file:
        return None
    return next((part for place, name, part in PARTS if place in file and name in code.co_qualname), None)
