"""The state of a run at a step boundary besides model and optimizer; every checkpoint has it as JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from or1_trainer.policy.errors import CheckpointError
from or1_trainer.train.sampler import Cursor, Seen


class RunState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is not a pure function of the configuration."""

    step: int = 0
    """Steps done."""
    epoch: int = 0
    taken: int = 0
    """Problems taken from the current pass over the stage's data."""
    cursors: dict[str, Cursor] = {}
    """Source -> the same two numbers, where the recipe has sources."""
    source_counts: dict[str, int] = {}
    """Source -> prompts drawn, which the next ones follow."""
    seen: dict[str, Seen] = {}
    """What was seen of each problem, for samplers that look at it."""
    entropy_coefficient: float
    entropy_previous: float | None = None
    """Token-mean entropy of the batch before, in nats."""
    solved: dict[str, tuple[int, int]] = {}
    """This stage's (correct responses, verdicts) per problem."""
    dropped: tuple[str, ...] = ()
    """Problems removed by the online filter at the starts of the stages so far."""
    weight_version: int = 0
    skipped: int = 0
    """Last steps in a row all of whose optimizer steps were skipped, as their gradients were not finite."""
    history: tuple[tuple[float, float], ...] = ()
    """(mean reward, truncated share) of this stage's last steps, where it may end early."""
    ended: dict[int, int] = {}
    """Stage -> steps done when it ended before its count."""
    eval_avg: float | None = None
    """Held-out avg@k after exactly this step, where it was evaluated."""

    @property
    def cursor(self) -> Cursor:
        """The place in the stage's data, where the recipe has no sources."""
        return Cursor(self.epoch, self.taken)


def behind_draw(state: RunState, drawn: RunState) -> RunState:
    """The state with the place in the data of another one, which was drawn from later."""
    return replace(
        state,
        epoch=drawn.epoch,
        taken=drawn.taken,
        cursors=drawn.cursors,
        source_counts=drawn.source_counts,
        seen=drawn.seen,
    )


def write_state(state: RunState, path: Path) -> None:
    """Write indented JSON; floats are exact (shortest round-trip form)."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1))


def read_state(path: Path) -> RunState:
    """Read a run state; raises `CheckpointError` when the file is missing or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunState)
    except (OSError, msgspec.MsgspecError) as error:
        raise CheckpointError(f"{path}: not a run state ({error}); the checkpoint is damaged") from error
