"""Coverage of the 95% interval of or1-eval by simulation, beside three others on the same data.

    python benchmarks/eval_coverage.py [ROUNDS]

Problems have true accuracies from a Beta distribution; each simulated benchmark draws problems and k samples of each,
and an interval hits if it holds the true mean. Plain percentile bootstrap, t interval and the normal interval on the
sampling error alone are computed on the same draws.
"""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime

import numpy as np

from or1_eval.estimators import mean_interval, sampling_error
from or1_eval.estimators.intervals import bootstrap_means
from or1_eval.estimators.student import student_quantile

SETTINGS = [
    (a, b, n, k)
    for n, k in ((30, 32), (30, 4), (100, 16), (279, 4), (30, 1))
    for a, b in ((0.5, 0.5), (1, 1), (3, 1), (2, 8), (0.2, 1.8))
]


def intervals(values: np.ndarray, k: int, seed: int) -> dict[str, tuple[float, float]]:
    """Each method's interval of one simulated benchmark."""
    mean, n = float(values.mean()), len(values)
    low, high = np.quantile(bootstrap_means(values, num_resamples=1000, seed=seed), [0.025, 0.975])
    reach = student_quantile(0.975, n - 1) * float(values.std(ddof=1)) / n**0.5
    found = {
        "or1-eval": tuple(mean_interval(values.tolist(), num_resamples=1000, seed=seed)),
        "percentile": (float(low), float(high)),
        "t": (mean - reach, mean + reach),
    }
    if k > 1:
        here = 1.96 * sampling_error((k * values * (1 - values) / (k - 1)).tolist(), [k] * n)
        found["samples only"] = (mean - here, mean + here)
    return found


def main(rounds: int) -> None:
    """Print one row per setting: coverage in percent, and the mean width of ours."""
    print(
        f"{platform.platform()}, Python {platform.python_version()}, numpy {np.__version__}, {datetime.now(UTC):%Y-%m-%d}"
    )
    print(f"{rounds} rounds; standard error of a coverage near 95%: {100 * (0.95 * 0.05 / rounds) ** 0.5:.2f} points")
    print("accuracies      mean    n   k  or1-eval  percentile      t  samples only  width")
    generator = np.random.default_rng(0)
    for a, b, n, k in SETTINGS:
        truth, hits, width = a / (a + b), {}, 0.0
        for _ in range(rounds):
            values = generator.binomial(k, generator.beta(a, b, n)) / k
            for name, (low, high) in intervals(values, k, int(generator.integers(1 << 30))).items():
                hits[name] = hits.get(name, 0) + (low - 1e-12 <= truth <= high + 1e-12)
                width += (high - low) * (name == "or1-eval")
        shown = [
            f"{100 * hits[name] / rounds:.1f}" if name in hits else "-"
            for name in ("or1-eval", "percentile", "t", "samples only")
        ]
        print(
            f"Beta({a}, {b})".ljust(15) + f"{truth:5.2f} {n:4} {k:3}  {shown[0]:>8}  {shown[1]:>10}  {shown[2]:>5}  "
            f"{shown[3]:>12}  {width / rounds:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
