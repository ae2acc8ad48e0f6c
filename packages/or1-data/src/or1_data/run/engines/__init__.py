"""Where the tasks of a stage run: in worker processes of this machine, or on a Ray cluster."""

from __future__ import annotations

from contextlib import AbstractContextManager

from or1_data.run.engines.engine import Engine, in_order
from or1_data.run.engines.processes import Processes

__all__ = ["Engine", "in_order", "open_engine"]


def open_engine(name: str, workers: int) -> AbstractContextManager[Engine]:
    """The engine of a recipe, to be closed at the end of the run."""
    if name == "ray":
        from or1_data.run.engines.on_ray import OnRay

        return OnRay(workers)
    return Processes(workers)
