"""How every Megatron parameter is made of Hugging Face tensors, and how it is cut over tensor-parallel ranks.

One rule per parameter: the Hugging Face tensors it holds, the axis along which each is cut, and the re-ordering between
this rank's cuts and this rank's parameter. Loading, exporting, checkpoints and a random start follow from the rules.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from or1_trainer.policy.model import Policy
from or1_trainer.policy.parallel import Runtime


@dataclass(frozen=True)
class Part:
    """One Hugging Face tensor."""

    name: str
    shape: tuple[int, ...]
    axis: int | None
    """Axis cut over tensor ranks; None when every rank holds the whole tensor."""

    def held(self, runtime: Runtime) -> range:
        """Indices along `axis` that a rank holds, all where it is None; fewer on the last of a padded vocabulary."""
        length = self.shape[self.axis or 0]
        if self.axis is None:
            return range(length)
        rows = -(-length // runtime.tensor_size)
        return range(length)[runtime.tensor_rank * rows :][:rows]


@dataclass(frozen=True)
class Rule:
    """One parameter of this rank. `join` and `split` only re-order: exporting what was loaded gives the same bits."""

    parameter: str
    parts: tuple[Part, ...]
    join: Callable[[list[Tensor]], Tensor] = lambda cuts: cuts[0]
    """The parts' cuts as the parameter."""
    split: Callable[[Tensor], list[Tensor]] = lambda whole: [whole]
    """The parts' cuts that a parameter holds; views of it where they lie in one run."""

    def fill(self, parameter: Tensor, cuts: list[Tensor]) -> None:
        """Write the parts' cuts into a parameter, in place; the padding of a vocabulary becomes 0."""
        whole = self.join(cuts)
        parameter[: whole.shape[0]].copy_(whole)
        parameter[whole.shape[0] :].zero_()


def rules(policy: Policy) -> Iterator[Rule]:
    """Yield the rule of every parameter, in Hugging Face's order."""
    config = policy.hf_config
    vocab = (config.vocab_size, config.hidden_size)
    yield Rule("embedding.word_embeddings.weight", (Part("model.embed_tokens.weight", vocab, 0),))
    for index in range(config.num_hidden_layers):
        yield from _layer_rules(policy, f"decoder.layers.{index}.", f"model.layers.{index}.")
    yield Rule("decoder.final_layernorm.weight", (Part("model.norm.weight", (config.hidden_size,), None),))
    if not policy.tied:
        yield Rule("output_layer.weight", (Part("lm_head.weight", vocab, 0),))


def _layer_rules(policy: Policy, ours: str, theirs: str) -> Iterator[Rule]:
    config, model_config = policy.hf_config, policy.model.config
    hidden, wide, dim = config.hidden_size, config.intermediate_size, model_config.kv_channels
    yield from _qkv_rules(policy, ours + "self_attention.linear_qkv.", theirs + "self_attn.")
    if model_config.qk_layernorm:
        for name in ("q", "k"):
            norm = Part(f"{theirs}self_attn.{name}_norm.weight", (dim,), None)
            yield Rule(f"{ours}self_attention.{name}_layernorm.weight", (norm,))
    projection = Part(theirs + "self_attn.o_proj.weight", (hidden, config.num_attention_heads * dim), 1)
    yield Rule(ours + "self_attention.linear_proj.weight", (projection,))
    gate, up = (Part(theirs + f"mlp.{name}_proj.weight", (wide, hidden), 0) for name in ("gate", "up"))
    yield Rule(ours + "mlp.linear_fc1.weight", (gate, up), torch.cat, lambda whole: list(whole.chunk(2)))
    yield Rule(ours + "mlp.linear_fc2.weight", (Part(theirs + "mlp.down_proj.weight", (hidden, wide), 1),))
    norms = {"input_layernorm": "input_layernorm", "pre_mlp_layernorm": "post_attention_layernorm"}
    for our_name, their_name in norms.items():
        yield Rule(f"{ours}{our_name}.weight", (Part(f"{theirs}{their_name}.weight", (hidden,), None),))


def _qkv_rules(policy: Policy, ours: str, theirs: str) -> Iterator[Rule]:
    config, dim = policy.hf_config, policy.model.config.kv_channels
    groups = config.num_key_value_heads // policy.runtime.tensor_size
    heads = config.num_attention_heads // config.num_key_value_heads

    def join(cuts: list[Tensor]) -> Tensor:
        return torch.cat([part.unflatten(0, (groups, -1, dim)) for part in cuts], 1).flatten(0, 2)

    def split(whole: Tensor) -> list[Tensor]:
        parts = whole.unflatten(0, (groups, heads + 2, dim)).split((heads, 1, 1), 1)
        return [part.flatten(0, 2) for part in parts]

    rows = {"q": config.num_attention_heads, "k": config.num_key_value_heads, "v": config.num_key_value_heads}
    tails = {"weight": (config.hidden_size,)} | ({"bias": ()} if policy.model.config.add_qkv_bias else {})
    for kind, tail in tails.items():
        parts = tuple(Part(f"{theirs}{name}_proj.{kind}", (count * dim, *tail), 0) for name, count in rows.items())
        yield Rule(ours + kind, parts, join, split)
