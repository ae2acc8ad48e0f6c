"""A Hugging Face config as Megatron's: what can be trained, the model's numbers, the modules of its layers."""

import warnings
from typing import Any

import torch
import torch.nn.functional as F
from megatron.core.tensor_parallel.layers import ColumnParallelLinear, RowParallelLinear
from megatron.core.transformer.attention import SelfAttentionSubmodules
from megatron.core.transformer.identity_op import IdentityOp
from megatron.core.transformer.mlp import MLP, MLPSubmodules
from megatron.core.transformer.spec_utils import ModuleSpec
from megatron.core.transformer.transformer_block import TransformerBlockSubmodules
from megatron.core.transformer.transformer_config import TransformerConfig
from megatron.core.transformer.transformer_layer import TransformerLayerSubmodules

from or1_trainer.policy.attention import PackedAttention
from or1_trainer.policy.errors import LayoutError
from or1_trainer.policy.layer import PackedSelfAttention, PolicyLayer
from or1_trainer.policy.norm import HeadNorm, RmsNorm
from or1_trainer.policy.parallel import Runtime

FAMILIES = ("qwen2", "qwen3", "llama")


def check_supported(hf_config: Any) -> None:
    """Raise `LayoutError` for another family, or a feature the three do not share: sliding window, other biases."""
    kind = getattr(hf_config, "model_type", None)
    if kind not in FAMILIES:
        raise LayoutError(f"model_type {kind!r} in config.json is not supported; supported are {', '.join(FAMILIES)}")
    if hf_config.hidden_act != "silu":
        raise LayoutError(
            f"hidden_act {hf_config.hidden_act!r} in config.json is not supported; the families here use silu"
        )
    if getattr(hf_config, "mlp_bias", False):
        raise LayoutError(
            "mlp_bias = true in config.json is not supported; no released model of these families uses it"
        )
    if kind != "qwen2" and getattr(hf_config, "attention_bias", False):
        raise LayoutError(f"attention_bias = true of a {kind} config.json is not supported: it adds a bias to o_proj")
    if getattr(hf_config, "use_sliding_window", False):
        raise LayoutError(
            "use_sliding_window = true in config.json is not supported; set it to false to train with full attention"
        )


def check_layout(hf_config: Any, tensor: int) -> None:
    """Raise `LayoutError` where the tensor-parallel size does not divide heads, key/value heads or the MLP's width."""
    sizes = {
        "num_attention_heads": hf_config.num_attention_heads,
        "num_key_value_heads": hf_config.num_key_value_heads,
        "intermediate_size": hf_config.intermediate_size,
    }
    for name, size in sizes.items():
        if size % tensor:
            fits = [n for n in range(1, size + 1) if all(other % n == 0 for other in sizes.values())]
            raise LayoutError(
                f"parallel.tensor = {tensor} does not divide {name} = {size} of the model; "
                f"choose parallel.tensor from {fits}"
            )


def transformer_config(
    hf_config: Any, runtime: Runtime, dtype: torch.dtype, *, sequence_parallel: bool
) -> TransformerConfig:
    """Sizes and switches; dropout is off, the loss carries the job's token count."""
    head_dim = getattr(hf_config, "head_dim", None) or hf_config.hidden_size // hf_config.num_attention_heads
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Megatron's own defaults
        return TransformerConfig(
            num_layers=hf_config.num_hidden_layers,
            hidden_size=hf_config.hidden_size,
            ffn_hidden_size=hf_config.intermediate_size,
            num_attention_heads=hf_config.num_attention_heads,
            num_query_groups=hf_config.num_key_value_heads,
            kv_channels=head_dim,
            normalization="RMSNorm",
            layernorm_epsilon=hf_config.rms_norm_eps,
            qk_layernorm=hf_config.model_type == "qwen3",
            add_bias_linear=False,
            add_qkv_bias=hf_config.model_type == "qwen2",
            gated_linear_unit=True,
            activation_func=F.silu,
            hidden_dropout=0.0,
            attention_dropout=0.0,
            tensor_model_parallel_size=runtime.tensor_size,
            sequence_parallel=sequence_parallel,
            params_dtype=dtype,
            bf16=dtype == torch.bfloat16,
            use_cpu_initialization=False,  # weights are made where they stay: `cpu_patches` says where without CUDA
            perform_initialization=False,
            bias_activation_fusion=True,  # keeps two buffers of the feed-forward width less
            calculate_per_token_loss=True,  # data ranks' gradients are summed: the loss has the job's token count
        )


def block_spec(config: TransformerConfig) -> TransformerBlockSubmodules:
    """Megatron's local spec with our norm, attention and residual flow in place of its own."""
    qk_norm = HeadNorm if config.qk_layernorm else IdentityOp
    attention = SelfAttentionSubmodules(
        linear_qkv=ColumnParallelLinear,
        core_attention=PackedAttention,
        linear_proj=RowParallelLinear,
        q_layernorm=qk_norm,
        k_layernorm=qk_norm,
    )
    layer = ModuleSpec(
        module=PolicyLayer,
        submodules=TransformerLayerSubmodules(
            input_layernorm=RmsNorm,
            self_attention=ModuleSpec(module=PackedSelfAttention, submodules=attention),
            pre_mlp_layernorm=RmsNorm,
            mlp=ModuleSpec(
                module=MLP, submodules=MLPSubmodules(linear_fc1=ColumnParallelLinear, linear_fc2=RowParallelLinear)
            ),
        ),
    )
    return TransformerBlockSubmodules(layer_specs=[layer] * config.num_layers, layer_norm=RmsNorm)
