"""GGUF files as Hugging Face folders: weights dequantized to float32, config, tokenizer and chat template."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from or1_trainer.errors import ConfigError


def import_gguf(file: Path, out: Path) -> None:
    """Write the model of a GGUF file as a float32 Hugging Face folder, which loads without the package `gguf`.

    `transformers` dequantizes; the folder's config has no trace of the quantization, so that it can be saved again.

    Raises:
        ConfigError: the file is missing or is not GGUF, its architecture is unknown to `transformers`, the package
            `gguf` is not installed, or `out` exists already.
    """
    if not file.is_file():
        raise ConfigError(f"{file} does not exist; give the path of a GGUF file")
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out} is not empty; choose a new folder")
    model, tokenizer = _load(file)
    config = model.config
    del config.quantization_config
    config.architectures = [type(model).__name__]
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    tied = {"lm_head.weight"} if config.tie_word_embeddings else set()
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name not in tied}
    save_file(tensors, out / "model.safetensors", {"format": "pt"})
    tokenizer.save_pretrained(out)
    if model.generation_config is not None:
        model.generation_config.save_pretrained(out)
    config.save_pretrained(out)  # last: a folder with config.json is complete


def _load(file: Path) -> tuple[Any, Any]:
    try:
        import gguf  # noqa: F401 - transformers reads the file with it
    except ImportError as error:
        raise ConfigError(f"reading {file} needs the package gguf: pip install 'or1-trainer[gguf]'") from error
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        with _read_once():
            model: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
            tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    except (OSError, ValueError, KeyError, NotImplementedError, struct.error) as error:
        raise ConfigError(f"transformers cannot read {file}: {error}") from error
    return model, tokenizer


@contextmanager
def _read_once() -> Iterator[None]:
    """Let `transformers` share one fast reader and one map of names, and show no bars.

    It builds three readers (5 s each), and the same map of names for each of the model's modules (10 s together).
    """
    import gguf
    from transformers import modeling_gguf_pytorch_utils as reading
    from transformers.utils import logging

    class Reader(gguf.GGUFReader):  # type: ignore[misc, unused-ignore]
        """Slices a plain array: a slice of `np.memmap` costs several times as much, and there are millions."""

        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, np.asarray(value) if name == "data" else value)

    was_shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with (
            patch.object(gguf, "GGUFReader", cache(Reader)),
            patch.object(gguf, "get_tensor_name_map", cache(gguf.get_tensor_name_map)),
            patch.object(reading, "tqdm", partial(vars(reading)["tqdm"], disable=True)),
        ):
            yield
    finally:
        if was_shown:
            logging.enable_progress_bar()
