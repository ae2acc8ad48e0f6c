"""The machines of a Ray cluster (extra `or1-data[ray]`), which share the file system that the run's folder is on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal, Self

from or1_data import __version__
from or1_data.errors import ConfigError, RunError
from or1_data.run.engines.engine import Result, Task

_RETRIES: Final = 3
"""How often a task is made again after its worker died."""
_QUIET: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
"""Reports of usage to Ray's makers; and under `uv run`, Ray would start each worker by `uv run`. Read on import."""
_TRIES: Final = {"RAY_NUM_REDIS_GET_RETRIES": "3"}
"""To reach a cluster, each of about 40 s; Ray's own 20 say nothing for twelve minutes where there is none."""


class OnRay:
    """An `Engine` over a Ray cluster: the one at `RAY_ADDRESS`, else one of `workers` processes on this machine."""

    def __init__(self, workers: int) -> None:
        defaults = _QUIET | (_TRIES if os.environ.get("RAY_ADDRESS") else {})
        for name, value in defaults.items():
            os.environ.setdefault(name, value)
        try:
            import ray
        except ImportError as error:
            raise ConfigError("engine = \"ray\" needs the extra: pip install 'or1-data[ray]'") from error
        self._ray: Any = ray  # typed in part only, and absent without the extra
        self._workers = workers

    def __enter__(self) -> Self:
        settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
        if not os.environ.get("RAY_ADDRESS"):
            settings |= {"address": "local", "num_cpus": self._workers, "include_dashboard": False}
            settings["_node_ip_address"] = "127.0.0.1"  # its ports are open to nobody else
        try:
            self._ray.init(**settings)
        except (ConnectionError, RuntimeError, TimeoutError) as error:
            raise RunError(f"no Ray cluster at RAY_ADDRESS={os.environ.get('RAY_ADDRESS')}: {error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    @property
    def machines(self) -> int:
        """See `Engine`."""
        return sum(node["Alive"] and node["Resources"].get("CPU", 0) > 0 for node in self._ray.nodes())

    def map(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], *, spread: bool = False
    ) -> Iterator[tuple[int, Result]]:
        """See `Engine`. A task whose worker or machine died is made again elsewhere."""
        strategy: Literal["SPREAD", "DEFAULT"] = "SPREAD" if spread else "DEFAULT"
        call: Any = self._ray.remote(max_retries=_RETRIES, scheduling_strategy=strategy)(_with_same_version)
        open_tasks = {call.remote(__version__, work, task): number for number, task in enumerate(tasks)}
        try:
            while open_tasks:
                (done,), _ = self._ray.wait(list(open_tasks))
                yield open_tasks.pop(done), self._result(done)
        finally:
            for task in open_tasks:
                self._ray.cancel(task)

    def _result(self, done: Any) -> Any:
        try:
            return self._ray.get(done)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except (self._ray.exceptions.WorkerCrashedError, self._ray.exceptions.OutOfMemoryError) as error:
            raise RunError(
                f"{_RETRIES + 1} workers died at the same task, the last with: {error}; finished work is kept, and the "
                "same command continues"
            ) from error


def _with_same_version(version: str, work: Callable[[Any], Any], task: Any) -> Any:
    """Parts are named by the code that made them, which is the driver's."""
    if version != __version__:
        raise ConfigError(
            f"this worker has or1-data {__version__}, the run has {version}; install the same version everywhere"
        )
    return work(task)
