"""Models loaded into this process, by the engines of or1-rollout (the extra `rollout`)."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from or1_eval.errors import EngineError
from or1_eval.types import Engine
from or1_rollout.environments import Environment, MultiTurnEngine, TurnLimits
from or1_rollout.generate.model_identity import model_identity

ENGINES: Final = {
    "embedded": ("or1_rollout.engines.transformers", "TransformersEngine"),
    "vllm": ("or1_rollout.engines.vllm", "VllmEngine"),
}
"""Engine -> where or1-rollout has it; each has `load(path)`."""

_REASONERS: Final = re.compile(r"\b(r1|or1|qwq|qwen3|o1|o3)\b|think|reason", re.IGNORECASE)


class LocalEngine:
    """An engine of or1-rollout with the name of its model, for the fingerprint."""

    def __init__(self, engine: Engine, kind: str, path: Path, environment: str = "") -> None:
        """Wrap a loaded engine; `environment` is the name of the one that its responses are made with."""
        self._engine, self._kind, self._path, self._environment = engine, kind, path, environment

    def describe(self) -> dict[str, Any]:
        """For the fingerprint: the model is named by its folder and a hash of its files."""
        found = {"engine": f"or1-rollout {self._kind}", "model": model_identity(self._path)}
        return found | ({"environment": self._environment} if self._environment else {})

    def generate(
        self,
        prompts: Any,
        params: Any,
        *,
        seeds: Any = None,
        on_group: Any = None,
        on_sample: Any = None,
        on_tokens: Any = None,
    ) -> Any:
        """As the engine does."""
        told = {"on_group": on_group, "on_sample": on_sample, "on_tokens": on_tokens}
        return self._engine.generate(prompts, params, seeds=seeds, **told)

    def close(self) -> None:
        """Free the model."""
        close = getattr(self._engine, "close", None)
        if close is not None:
            close()


def load_local(
    path: Path, kind: str, environment: Environment | None = None, limits: TurnLimits | None = None
) -> LocalEngine:
    """Load a Hugging Face model folder into this process; with an `environment` its responses have several turns.

    Raises:
        EngineError: the extra is not installed, or there is no model in the folder.
    """
    if not (path / "config.json").is_file():
        raise EngineError(f"{path} is not a model folder: it has no config.json")
    module, name = ENGINES[kind]
    try:
        engine = getattr(import_module(module), name)
    except ImportError as error:
        raise EngineError(
            f"the {kind} engine is not installed ({error}): uv pip install 'or1-eval[rollout]' for the embedded one; "
            "or serve the model, for example with `vllm serve`, and use --endpoint URL, which needs no torch"
        ) from error
    loaded = engine.load(path)
    if environment is None:
        return LocalEngine(loaded, kind, path)
    return LocalEngine(
        MultiTurnEngine(loaded, environment, loaded.tokenizer, limits=limits),
        kind,
        path,
        f"{environment.name}, {limits}",
    )


def looks_like_reasoner(model: str) -> bool:
    """Whether a model closes its reasoning with </think>: by its chat template if it lies here, else by its name."""
    folder = Path(model)
    for name in ("chat_template.jinja", "tokenizer_config.json"):
        if (folder / name).is_file():
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
            template = json.loads(text).get("chat_template") if name.endswith(".json") else text
            if template:
                return "</think>" in str(template)
    return _REASONERS.search(model) is not None
