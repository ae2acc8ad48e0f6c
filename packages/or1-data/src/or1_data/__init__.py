"""From raw problems to a clean training set for reinforcement learning with verifiable rewards.

>>> from or1_data import arithmetic_problems
>>> next(arithmetic_problems("train", 1, seed=0)).ability
'math'
"""

from or1_data.arithmetic import arithmetic_problems
from or1_data.errors import ConfigError, DataError, GuardError, SchemaError, SourceError
from or1_data.io.problems import read_problems, write_problems
from or1_data.schema import Problem, make_problem, problem_from_row, row_of

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "DataError",
    "GuardError",
    "Problem",
    "SchemaError",
    "SourceError",
    "__version__",
    "arithmetic_problems",
    "make_problem",
    "problem_from_row",
    "read_problems",
    "row_of",
    "write_problems",
]
