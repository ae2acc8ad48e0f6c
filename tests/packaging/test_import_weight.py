"""What `import or1_x` loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

OWN_MODULES = {"grading", "ground_truth", "maths", "maths.settings", "reasoning", "types"}
MOST_MODULES = 70  # 60 on Python 3.11; numpy alone would add more than a hundred
FORBIDDEN = {
    "or1_reward": {"numpy", "torch", "sympy", "mpmath", "pandas", "scipy", "http.server", "multiprocessing.pool"},
    "or1_data": {"torch", "transformers", "datasets", "pandas"},
    "or1_rollout": {"torch", "transformers", "vllm"},
    "or1_eval": {"torch", "transformers", "datasets"},
}


def fresh(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new interpreter of this environment."""
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


def test_import_of_or1_reward_loads_few_modules_and_only_the_standard_library() -> None:
    """What it costs in milliseconds (26 on a quiet machine) is measured by benchmarks/import_time.py."""
    loaded = set(
        fresh(
            "import sys; before = set(sys.modules); import or1_reward; print(*(set(sys.modules) - before))"
        ).stdout.split()
    )
    ours = {name for name in loaded if name.partition(".")[0] == "or1_reward"}
    assert ours == {"or1_reward"} | {f"or1_reward.{name}" for name in OWN_MODULES}
    assert {name.partition(".")[0] for name in loaded - ours} <= sys.stdlib_module_names
    assert len(loaded) <= MOST_MODULES, sorted(loaded)


@pytest.mark.parametrize("module", FORBIDDEN)
def test_import_pulls_nothing_heavy(module: str) -> None:
    loaded = set(fresh(f"import sys, {module}; print(*sys.modules)").stdout.split())
    assert module in loaded
    assert not loaded & FORBIDDEN[module]


def test_sympy_comes_only_with_a_symbolic_comparison() -> None:
    code = "import sys, or1_reward as r; assert r.verify({!r}, {!r}).reward == 1.0; print('sympy' in sys.modules)"
    assert fresh(code.format(r"\boxed{12}", "12")).stdout.strip() == "False"
    assert fresh(code.format(r"\boxed{\frac{3}{4}}", "0.75")).stdout.strip() == "False"
