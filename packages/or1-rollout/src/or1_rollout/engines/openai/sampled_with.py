"""What samples were drawn with, read back from a server as far as it tells."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import httpx

from or1_rollout.engines.openai.request import NEUTRAL
from or1_rollout.engines.openai.settings import EndpointSettings

_OPTIONAL: Final = NEUTRAL.keys() - {"n"}
_SAMPLING: Final = ("temperature", "top_p", *_OPTIONAL)
_ECHOED: Final = {name: name for name in (*_SAMPLING, "model", "system_fingerprint")} | {
    "repeat_penalty": "repetition_penalty"
}
"""A server's name of what it says of model and sampling -> ours."""

_MOST_VALUES: Final = 8
"""Values of one field that are kept."""

_PLACES: Final = {
    "version": ("version",),
    "get_model_info": ("preferred_sampling_params",),
    "props": ("build_info", "default_generation_settings"),
}
"""Route beside `/v1` -> what is kept of its answer: of vLLM, SGLang and llama.cpp."""


class SampledWith:
    """Collected over the responses of any number of clients.

    `left_out` are fields that the server refused and is asked without. A field that the server says it sampled with at
    another value than was asked is kept with what it said.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.left_out: set[str] = set()
        self._models: set[str] = set()
        self._builds: set[str] = set()
        self._otherwise: dict[str, set[str]] = {}

    def take(self, asked: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        """Take what one response said (`echoed`) to a request."""
        if model := said.get("model"):
            self._models.add(str(model))
        if build := said.get("system_fingerprint"):
            self._builds.add(str(build))
        for name in said.keys() & set(_SAMPLING):
            values = self._otherwise.get(name, set())
            if len(values) < _MOST_VALUES and not _is_same(name, asked.get(name, NEUTRAL.get(name)), said[name]):
                self._otherwise[name] = values | {str(said[name])}

    def to_json(self) -> dict[str, Any]:
        """`left_out`, `models`, `builds` and `otherwise`, those that are not empty."""
        table = {
            "left_out": sorted(self.left_out & {*_OPTIONAL, "seed"}),
            "models": sorted(self._models),
            "builds": sorted(self._builds),
            "otherwise": {name: sorted(self._otherwise[name]) for name in sorted(self._otherwise)},
        }
        return {name: value for name, value in table.items() if value}


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """What two sessions together sampled with, of two `SampledWith.to_json`."""
    names = first.keys() | second.keys()
    return {name: _merged(first.get(name), second.get(name)) for name in sorted(names)}


def _merged(first: Any, second: Any) -> Any:
    if isinstance(first, Mapping) or isinstance(second, Mapping):
        return merged(first or {}, second or {})
    return sorted({*(first or ()), *(second or ())})


def echoed(response: Mapping[str, Any]) -> dict[str, Any]:
    """What an object of a response says of model and sampling, by our names; llama.cpp says it one level down."""
    settings = response.get("generation_settings")
    whole = {**settings, **response} if isinstance(settings, Mapping) else response
    return {_ECHOED[name]: whole[name] for name in whole.keys() & _ECHOED.keys() if whole[name] is not None}


def server_facts(settings: EndpointSettings) -> dict[str, Any]:
    """What a server says of itself beside its model: version, and values it fills in. Empty where it says nothing."""
    root = settings.base_url.rpartition("/")[0]
    facts: dict[str, Any] = {}
    for route, names in _PLACES.items():
        with suppress(httpx.HTTPError, ValueError):
            answer = httpx.get(f"{root}/{route}", headers=settings.all_headers, timeout=settings.connect_timeout_s)
            told = answer.json() if answer.is_success else None
            facts |= {name: told[name] for name in names if isinstance(told, dict) and told.get(name)}
    return facts


def _is_same(name: str, asked: Any, said: Any) -> bool:
    """Whether two values mean the same; "all tokens" is -1 for some servers and 0 for others."""
    if name == "top_k":
        asked, said = (value if isinstance(value, int) and value > 0 else -1 for value in (asked, said))
    try:
        return abs(float(asked) - float(said)) < 1e-6
    except (TypeError, ValueError):
        return bool(asked == said)
