"""A Hugging Face config as Megatron's: the numbers of the model, and which modules its layers are made of."""

import warnings
from typing import Any

import torch
import torch.nn.functional as F
from megatron.core.tensor_parallel.layers import ColumnParallelLinear, RowParallelLinear
from megatron.core.transformer.attention import SelfAttentionSubmodules
from megatron.core.transformer.identity_op import IdentityFuncOp, IdentityOp
from megatron.core.transformer.mlp import MLP, MLPSubmodules
from megatron.core.transformer.spec_utils import ModuleSpec
from megatron.core.transformer.transformer_block import TransformerBlockSubmodules
from megatron.core.transformer.transformer_config import TransformerConfig
from megatron.core.transformer.transformer_layer import TransformerLayerSubmodules

from or1_trainer.policy.attention import PackedAttention
from or1_trainer.policy.layer import PackedSelfAttention, PolicyLayer
from or1_trainer.policy.norm import HeadNorm, RmsNorm
from or1_trainer.policy.parallel import Runtime


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
            bias_dropout_fusion=False,
            masked_softmax_fusion=False,
            apply_rope_fusion=False,
            gradient_accumulation_fusion=False,
            calculate_per_token_loss=True,  # data ranks' gradients are summed: the loss has the job's token count
            deterministic_mode=False,
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
            self_attn_bda=IdentityFuncOp,
            pre_mlp_layernorm=RmsNorm,
            mlp=ModuleSpec(
                module=MLP, submodules=MLPSubmodules(linear_fc1=ColumnParallelLinear, linear_fc2=RowParallelLinear)
            ),
            mlp_bda=IdentityFuncOp,
        ),
    )
    return TransformerBlockSubmodules(layer_specs=[layer] * config.num_layers, layer_norm=RmsNorm)
