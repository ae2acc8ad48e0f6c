"""From what a command raises to its message and exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from or1_data.errors import DataError
from or1_eval.errors import EvalError
from or1_rollout.errors import Or1RolloutError
from or1_trainer.errors import ConfigError, Or1TrainerError
from or1_trainer.launch import ERROR_FILE, report_error, under_launcher


def exit_code(command: Callable[[], int], folder: Callable[[], Path | None]) -> int:
    """Run `command`; print the message of an expected error, and return 0, 1 (failed), 2 (wrong usage) or 130 (Ctrl-C).

    `folder`: gives the run folder, for the hint on how to resume. A bug keeps its traceback.
    """
    try:
        return command()
    except KeyboardInterrupt as error:
        return _fail(error, f"interrupted; resume with `or1-trainer resume {folder() or 'RUN'}`", 130)
    except ConfigError as error:
        return _fail(error, str(error), 2)
    except (Or1TrainerError, Or1RolloutError, DataError, EvalError) as error:
        return _fail(error, str(error), 1)
    except Exception as error:
        report_error(error)  # for the launcher's message
        raise


def _fail(error: BaseException, message: str, code: int) -> int:
    """Pass the error to the launcher of this process, or print it; return `code`."""
    report_error(error)
    launcher_prints = under_launcher() and (code == 1 or (code == 2 and ERROR_FILE in os.environ))
    if os.environ.get("RANK", "0") == "0" and not launcher_prints:
        print(f"or1-trainer: {message}", file=sys.stderr)
    return code
