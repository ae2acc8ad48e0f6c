"""Compile a program once on a worker, before its tests."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any, Final

from or1_reward.code.cases import CaseError
from or1_reward.code.languages import Language
from or1_reward.sandbox import SandboxError
from or1_reward.sandbox.layers import is_in_force
from or1_reward.sandbox.worker import JailReport, JailTest, Worker
from or1_reward.types import Limits

COMPILE_LIMITS: Final = Limits(time_s=30.0, memory_mb=2048, output_mb=32)


@dataclass(frozen=True, slots=True)
class Compiler:
    """The compiler of a language on this host."""

    language: Language
    path: str

    def compile(self, worker: Worker, limits: dict[str, Any], cancel: threading.Event | None) -> JailReport | None:
        """Compile the worker's program; later tests run what came out. None when cancelled."""
        language = self.language
        command = [self.path, *language.compile_command[1:]]
        spec = {"source": language.source, "product": "program", "command": command}
        test = JailTest(mode="compile", blobs=(json.dumps(spec).encode(),), limits=limits, wall_s=COMPILE_LIMITS.time_s)
        worker.submit(test)
        return worker.report(COMPILE_LIMITS.time_s, cancel)


def compiler_of(language: Language) -> Compiler:
    """The compiler of a language.

    Raises:
        CaseError: this host has none.
    """
    path = language.compiler()
    if path is None:
        raise CaseError(
            f"{language.name} programs need {language.compile_command[0]}, which is not installed on this host; "
            "see `or1-reward doctor`"
        )
    return Compiler(language, path)


def demand_layers(worker: Worker, language: Language) -> None:
    """Refuse compiled programs where a jail may not start processes.

    Raises:
        SandboxError: there is no pid namespace.
    """
    if not is_in_force(worker.layers, "pid_namespace"):
        raise SandboxError(f"{language.name} programs need the layer pid_namespace, which this host does not have")
