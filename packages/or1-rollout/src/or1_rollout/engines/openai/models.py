"""What a server says of the model that it serves."""

from __future__ import annotations

import time
from collections.abc import Callable
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


def served_model(
    settings: EndpointSettings, *, patience_s: float = 0.0, on_wait: Callable[[str], None] | None = None
) -> ServedModel:
    """The model that a server serves, or of several the one that the settings name.

    A server that is not there is waited for up to `patience_s`, as one that loads its model; `on_wait` is told once.
    Raises `EndpointError` where no server answers, it says no model, several and none is named, or not the named one.
    """
    url = f"{settings.base_url}/models"
    answer = _answer(url, settings, patience_s, on_wait)
    try:
        answer.raise_for_status()
        models = [_model(entry) for entry in answer.json()["data"]]
    except httpx.HTTPStatusError as error:
        raise EndpointError(f"{url} does not say which model is served: status {answer.status_code}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EndpointError(f"{url} does not say which model is served, but {answer.text[:100]!r}") from error
    found = [model for model in models if settings.model in ("", model.name)]
    if len(found) != 1:
        names = ", ".join(model.name for model in models[:8])
        raise EndpointError(f"{url} names {len(models)} models ({names}); say which one")
    return found[0]


def _answer(
    url: str, settings: EndpointSettings, patience_s: float, on_wait: Callable[[str], None] | None
) -> httpx.Response:
    end_s, pause_s = time.monotonic() + patience_s, 1.0
    while True:
        try:
            return httpx.get(url, headers=settings.all_headers, timeout=settings.connect_timeout_s)
        except httpx.TransportError as error:
            said = f"no server answers at {url} ({error or type(error).__name__})"
            if time.monotonic() + pause_s > end_s:
                raise EndpointError(said) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise EndpointError(f"{url} cannot be asked which model is served: {error}") from error
        if on_wait is not None and pause_s == 1.0:
            on_wait(f"{said}; waiting up to {patience_s / 60:.0f} min for it")
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 10.0)


def _model(entry: Any) -> ServedModel:
    limit = entry.get("max_model_len") or (entry.get("meta") or {}).get("n_ctx_train")
    return ServedModel(str(entry["id"]), int(limit) if limit else None)
