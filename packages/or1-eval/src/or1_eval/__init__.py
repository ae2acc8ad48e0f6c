r"""avg@k with error bars over any engine and any problem file: AIME, LiveCodeBench, your own.

    >>> from or1_eval import Problem, Task, evaluate
    >>> task = Task(name="sums", problems=(Problem(id="a", prompt="1 + 1?", ground_truth="2"),), k=4)
    >>> print(evaluate(task, lambda prompt: "It is \boxed{2}."))
    sums: avg@4 100.0 [0.0, 100.0] over 1 problems, 0.0% truncated

Importing this needs numpy and or1-reward; servers are talked to by httpx, models in this process are an extra.
"""

from or1_eval.compare import compare, compare_reports
from or1_eval.engines import EndpointEngine, FunctionEngine, ReplayEngine, endpoint
from or1_eval.errors import EngineError, EvalError, RunFolderError, TaskError
from or1_eval.evaluate import evaluate
from or1_eval.progress import Progress
from or1_eval.regrade import regrade
from or1_eval.report import Estimate, ProblemResult, Report
from or1_eval.results import load_reports
from or1_eval.tasks import load_task
from or1_eval.types import Completion, Engine, Problem, Sampling, Task

__version__ = "0.1.0"

__all__ = [
    "Completion",
    "EndpointEngine",
    "Engine",
    "EngineError",
    "Estimate",
    "EvalError",
    "FunctionEngine",
    "Problem",
    "ProblemResult",
    "Progress",
    "ReplayEngine",
    "Report",
    "RunFolderError",
    "Sampling",
    "Task",
    "TaskError",
    "__version__",
    "compare",
    "compare_reports",
    "endpoint",
    "evaluate",
    "load_reports",
    "load_task",
    "regrade",
]
