"""A tiny random model of a given family: every feature of the architecture kept, every size cut down."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from or1_data.arithmetic import ALPHABET
from or1_trainer.cache import cache_root
from or1_trainer.plan.shape import Shape
from or1_trainer.toy.tokenizer import character_tokenizer

LAYERS, KV_HEADS, HEAD_DIM, SEED = 2, 2, 8, 0


def tiny_config(config: Mapping[str, Any], vocabulary: int) -> dict[str, Any]:
    """The keys of `config.json` with other sizes.

    Kept: family, biases, tying, rope with its scaling, norms, queries per key (7B: 7), width of the MLP over the hidden
    size. Cut: 2 layers, 2 key-value heads of 8 channels, the vocabulary.
    """
    shape = Shape.of(config)
    heads = KV_HEADS * (shape.heads // shape.kv_heads)
    hidden = heads * HEAD_DIM
    return {
        **config,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": heads,
        "num_key_value_heads": KV_HEADS,
        "head_dim": HEAD_DIM,
        "hidden_size": hidden,
        "intermediate_size": 8 * round(hidden * shape.intermediate / shape.hidden / 8),
        "vocab_size": vocabulary,
        "layer_types": ["full_attention"] * LAYERS,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": None,
    }


def ensure_tiny_model(config: Mapping[str, Any]) -> Path:
    """Folder of the tiny model, from the cache or made now: float32, one token per character."""
    tokenizer = character_tokenizer(ALPHABET)
    tiny = tiny_config(config, len(tokenizer))
    key = hashlib.sha256(json.dumps(tiny, sort_keys=True).encode()).hexdigest()[:12]
    folder = cache_root() / f"scaled-{key}"
    if not folder.exists():
        disable_progress_bar()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**tiny))
        with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
            whole = Path(partial) / "model"
            model.float().save_pretrained(whole)
            tokenizer.save_pretrained(whole)
            with suppress(OSError):  # another process was first: its folder holds the same
                whole.rename(folder)
    return folder
