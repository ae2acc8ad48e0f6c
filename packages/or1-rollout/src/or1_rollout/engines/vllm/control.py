"""Control of `vllm serve` processes, all of them at once: weight transfers, caches, fingerprints and probes.

The servers must run with VLLM_SERVER_DEV_MODE=1 (vLLM hides these routes otherwise): see `serve_command`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx

from or1_rollout.engines.openai.selector import LeastBusyServer
from or1_rollout.engines.vllm.local import WORKER_EXTENSION
from or1_rollout.engines.vllm.plugin import SHARED_MEMORY
from or1_rollout.errors import EndpointError
from or1_rollout.weight_sync import Fingerprint

Result = TypeVar("Result")


def serve_command(
    path: str | Path, *, port: int, backend: str = SHARED_MEMORY, options: Sequence[str] = ()
) -> list[str]:
    """The command of a server that takes weights; run it with VLLM_SERVER_DEV_MODE=1."""
    return [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server"),  # the `vllm` script misses an import on CPUs
        *("--model", str(path), "--port", str(port), "--host", "127.0.0.1"),
        *("--weight-transfer-config", json.dumps({"backend": backend})),
        *("--worker-extension-cls", WORKER_EXTENSION),
        *("--logprobs-mode", "processed_logprobs"),
        *("--generation-config", "vllm"),  # the model's own file would fill in what a request leaves open
        *options,
    ]


class Control:
    """`VLLMWeightSyncClient` for every server of a pool that is up. One that fails is left out from then on."""

    def __init__(self, pool: LeastBusyServer, *, timeout_s: float = 600.0) -> None:
        """Nothing is sent yet."""
        self._pool = pool
        self._http = httpx.Client(timeout=timeout_s)  # one for all: making a client costs 50 ms of certificates

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None:
        """Connect the transfer; with `nccl`, the ranks of each server's workers follow those of the server before."""
        infos = {server.url: init_info.copy() for server in self._pool.up()}
        if (rank := init_info.get("rank_offset")) is not None:
            for url, info in infos.items():
                info["rank_offset"] = rank
                rank += self._num_workers(url)
        self._each(lambda url: self._post(url, "init_weight_transfer_engine", {"init_info": infos[url]}))

    def start_weight_update(self) -> None:
        """Open the models for new weights."""
        self._post_all("start_weight_update")

    def update_weights(self, update_info: Any) -> None:
        """Load one chunk."""
        # Private, yet the only code that packs CUDA IPC handles as the servers unpack them; vLLM's own client uses
        # another HTTP library, whose errors would not take a dead server out of the pool.
        from vllm.distributed.weight_transfer.clients import _json_safe_update_payload

        self._post_all("update_weights", {"update_info": _json_safe_update_payload(update_info)})

    def finish_weight_update(self, weight_version: str | None = None) -> None:
        """End the update."""
        self._post_all("finish_weight_update")

    def settle(self, version: int) -> None:
        """Reset the prefix caches, which were computed with the old weights, and set the weight version."""
        self._post_all("reset_prefix_cache")
        self._post_all("update_weight_version", {"new_version": str(version)})

    def shutdown_weight_transfer_engine(self) -> None:
        """Release the connections."""
        self._post_all("collective_rpc", {"method": "shutdown_weight_transfer_engine"})

    def members(self) -> frozenset[str]:
        """URLs of the servers that are up, and how often each was down before: one that came back is another."""
        return frozenset(f"{server.url} {server.times_down}" for server in self._pool.up())

    def num_workers(self) -> int:
        """Number of workers of all servers that are up."""
        return sum(self._num_workers(server.url) for server in self._pool.up())

    def fingerprints(self) -> dict[str, dict[str, Fingerprint]]:
        """URL -> name -> fingerprint."""
        return self._each(self._fingerprints)

    def holds(self, url: str, fingerprints: Mapping[str, Fingerprint]) -> bool:
        """Whether a server is up and holds exactly these weights."""
        try:
            return self._fingerprints(url) == fingerprints
        except (httpx.HTTPError, EndpointError):
            return False

    def is_up(self, url: str) -> bool:
        """Whether a server answers at all."""
        try:
            return self._http.get(f"{url}/health", timeout=5.0).is_success
        except httpx.HTTPError:
            return False

    def weight_version(self, url: str) -> str | None:
        """The label a server carries ("default" as loaded); None when it is not up, or not in development mode."""
        try:
            answer = self._http.get(f"{url}/weight_info", timeout=5.0)
            return str(answer.raise_for_status().json()["weight_version"])
        except (httpx.HTTPError, ValueError, KeyError):
            return None

    def probe(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answers of all servers to one completion request: URL -> its only choice."""
        return {url: answer["choices"][0] for url, answer in self._post_all("v1/completions", body).items()}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _post_all(self, route: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._each(lambda url: self._post(url, route, body))

    def _each(self, call: Callable[[str], Result]) -> dict[str, Result]:
        """Ask all servers that are up, at once. A broken connection takes its server out; none left is an error."""
        urls = [server.url for server in self._pool.up()]
        results: dict[str, Result] = {}
        errors: list[Exception] = []
        with ThreadPoolExecutor(max(1, len(urls))) as threads:
            for url, future in [(url, threads.submit(call, url)) for url in urls]:
                try:
                    results[url] = future.result()
                except httpx.TransportError as error:
                    self._pool.mark_down(url)
                    errors.append(error)
        if not results:
            raise EndpointError(f"no server is up to take weights: {errors or [s.url for s in self._pool.servers]}")
        return results

    def _fingerprints(self, url: str) -> dict[str, Fingerprint]:
        held = self._post(url, "collective_rpc", {"method": "or1_fingerprints"})["results"][0]
        return {name: Fingerprint(*sums) for name, sums in held.items()}

    def _num_workers(self, url: str) -> int:
        return int(self._http.get(f"{url}/get_world_size").raise_for_status().json()["world_size"])

    def _post(self, url: str, route: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._http.post(f"{url}/{route}", json=body)
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise EndpointError(f"{url} has no /{route}: start it with VLLM_SERVER_DEV_MODE=1 (see the README)")
        if answer.is_error:
            raise EndpointError(f"{url}/{route}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None
