"""Observations of an environment that is not deterministic, kept so that a run can be resumed and replayed exactly."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path

from or1_rollout.environments.protocol import Environment, Episode, Observation, Problem
from or1_rollout.errors import RowError
from or1_rollout.types import Message


class KeptObservations:
    """An environment whose observations are written to a file as they come, and read from there when they are known.

    They are known by the response's seed and all turns so far. A line that a kill cut off is dropped, and that
    observation made again. Fits `Environment`; the same as the one inside, except that it is deterministic.
    """

    is_deterministic = True

    def __init__(self, inside: Environment, path: Path) -> None:
        """Read what an earlier process kept. Raises `RowError` where the file holds something else."""
        self._inside, self._lock = inside, threading.Lock()
        self.name, self.stop, self.tools = inside.name, inside.stop, inside.tools
        whole, _, torn = (path.read_bytes() if path.exists() else b"").rpartition(b"\n")
        self._known: dict[str, Observation | None] = {}
        for number, line in enumerate(whole.split(b"\n") if whole else [], 1):
            self._read(line, f"{path}:{number}")
        if torn:
            with path.open("r+b") as file:
                file.truncate(len(whole) + bool(whole))
        self._file = path.open("a", encoding="utf-8")

    def messages(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Of the environment inside."""
        return self._inside.messages(messages)

    def start(self, problem: Problem, seed: int) -> KeptEpisode:
        """An episode that asks the one inside only for what is not known."""
        return KeptEpisode(self, self._inside.start(problem, seed), seed)

    def known(self, key: str) -> tuple[bool, Observation | None]:
        """Whether an observation is known, and which it was."""
        return key in self._known, self._known.get(key)

    def keep(self, key: str, observation: Observation | None) -> None:
        """Write an observation; it is in the file when this returns."""
        said = None if observation is None else [observation.text, observation.role]
        with self._lock:
            self._known[key] = observation
            self._file.write(json.dumps({"key": key, "observation": said}) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, line: bytes, where: str) -> None:
        try:
            row = json.loads(line)
            said = row["observation"]
            self._known[str(row["key"])] = None if said is None else Observation(str(said[0]), said[1])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise RowError(f"{where}: this is not a kept observation; remove the file or put it back") from error


class KeptEpisode:
    """One response's. The episode inside hears the known turns only when an unknown one follows. Fits `Episode`."""

    def __init__(self, kept: KeptObservations, inside: Episode, seed: int) -> None:
        self._kept, self._inside = kept, inside
        self._hash = hashlib.sha256(f"{seed}".encode())
        self._unheard: list[str] = []

    def respond(self, turn: str) -> Observation | None:
        """What was observed before, or is now."""
        self._hash.update(f"{len(turn)}:".encode() + turn.encode("utf-8", "surrogatepass"))
        key = self._hash.hexdigest()[:24]
        is_known, observation = self._kept.known(key)
        if is_known:
            self._unheard.append(turn)
            return observation
        for earlier in self._unheard:
            self._inside.respond(earlier)
        self._unheard.clear()
        observation = self._inside.respond(turn)
        self._kept.keep(key, observation)
        return observation

    def close(self) -> None:
        """Close the episode inside."""
        self._inside.close()
