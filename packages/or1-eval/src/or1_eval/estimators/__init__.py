"""From rewards to numbers with error bars; needs only numpy and knows nothing of engines or files."""

from or1_eval.estimators.intervals import Interval, mean_interval, population_error, sampling_error, score_interval
from or1_eval.estimators.paired import Comparison, compare_paired, difference_interval, sign_flip_p_value
from or1_eval.estimators.per_problem import accuracy, majority, pass_at, sampling_variance
from or1_eval.estimators.power import detectable_difference, heterogeneity, needed_k, needed_problems

__all__ = [
    "Comparison",
    "Interval",
    "accuracy",
    "compare_paired",
    "detectable_difference",
    "difference_interval",
    "heterogeneity",
    "majority",
    "mean_interval",
    "needed_k",
    "needed_problems",
    "pass_at",
    "population_error",
    "sampling_error",
    "sampling_variance",
    "score_interval",
    "sign_flip_p_value",
]
