"""Handing tensors over to a vLLM worker in the same process, which takes them by a number.

CUDA refuses to open an IPC handle in the process that made it, and nothing needs to be copied here.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from or1_rollout.errors import EngineError

if TYPE_CHECKING:
    from torch import Tensor

_tickets = count()
_waiting: dict[int, list[tuple[str, Tensor]]] = {}


def leave(named: list[tuple[str, Tensor]]) -> int:
    """Leave tensors for the worker; the ticket to take them with."""
    ticket = next(_tickets)
    _waiting[ticket] = named
    return ticket


def take(ticket: int) -> list[tuple[str, Tensor]]:
    """Take the tensors of a ticket. Raises `EngineError` where they were left in another process."""
    if ticket not in _waiting:
        raise EngineError("the worker of vLLM is not in this process: use the weight transfer shared_memory")
    return _waiting.pop(ticket)
