"""What a server says of the model that it serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from or1_rollout.engines.openai.settings import EndpointSettings
from or1_rollout.errors import EndpointError


@dataclass(frozen=True, slots=True)
class ServedModel:
    """`context_tokens` is the longest prompt and response together, None where the server does not say."""

    name: str
    context_tokens: int | None = None


def served_model(settings: EndpointSettings) -> ServedModel:
    """The model that a server serves, or of several the one that the settings name.

    Raises `EndpointError` where the server says none, several and none is named, or not the named one.
    """
    url = f"{settings.base_url}/models"
    try:
        answer = httpx.get(url, headers=settings.all_headers, timeout=settings.connect_timeout_s)
        answer.raise_for_status()
        models = [_model(entry) for entry in answer.json()["data"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise EndpointError(f"{url} does not say which model is served: {error!r}") from error
    found = [model for model in models if settings.model in ("", model.name)]
    if len(found) != 1:
        names = ", ".join(model.name for model in models[:8])
        raise EndpointError(f"{url} names {len(models)} models ({names}); say which one")
    return found[0]


def _model(entry: Any) -> ServedModel:
    limit = entry.get("max_model_len") or (entry.get("meta") or {}).get("n_ctx_train")
    return ServedModel(str(entry["id"]), int(limit) if limit else None)
