"""Environments: responses of several turns, in which tools answer the policy.

`MultiTurnEngine` makes of any engine one whose completions are whole transcripts.
"""

from or1_rollout.environments.engine import MultiTurnEngine
from or1_rollout.environments.formats import AskedCalls, FencedCalls, HermesCalls
from or1_rollout.environments.kept import KeptObservations
from or1_rollout.environments.own_tools import Calculator, CodeSession, CodeTool, FileSearch
from or1_rollout.environments.protocol import (
    Environment,
    Episode,
    Observation,
    Problem,
    SingleTurn,
    TurnLimits,
    rebuilt_episode,
)
from or1_rollout.environments.tools import OpenTool, Tool, ToolEnvironment

__all__ = [
    "AskedCalls",
    "Calculator",
    "CodeSession",
    "CodeTool",
    "Environment",
    "Episode",
    "FencedCalls",
    "FileSearch",
    "HermesCalls",
    "KeptObservations",
    "MultiTurnEngine",
    "Observation",
    "OpenTool",
    "Problem",
    "SingleTurn",
    "Tool",
    "ToolEnvironment",
    "TurnLimits",
    "rebuilt_episode",
]
