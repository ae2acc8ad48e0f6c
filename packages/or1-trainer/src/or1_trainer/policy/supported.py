"""Which Hugging Face configs can be trained, and over how many tensor ranks."""

from typing import Any

from or1_trainer.policy.errors import LayoutError

FAMILIES = ("qwen2", "qwen3", "llama")


def check_supported(hf_config: Any) -> None:
    """Raise `LayoutError` for another family, or a feature that the three do not share."""
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
    """Raise `LayoutError` where the tensor-parallel size does not divide what it must."""
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
