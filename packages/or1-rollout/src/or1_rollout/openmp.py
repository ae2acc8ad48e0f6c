"""How long OpenMP's idle threads keep a core busy: set before torch loads libgomp, which reads it once."""

import os
import sys

SPINS = "1000"
"""Some microseconds. libgomp's default is milliseconds, in which a lane (`or1_rollout.lanes`) waits for its core."""


def spin_briefly() -> None:
    """Have idle OpenMP threads of this process sleep soon, unless the user has said otherwise or it is too late.

    A step of a model of 0.13M parameters takes 34 ms instead of 43 that way (2-core EPYC VM, 2026-11-28), and much
    less of what it takes where other processes want the cores too.
    """
    if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
