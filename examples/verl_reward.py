"""The verifier as verl's reward: print the settings for verl, and call the function as verl's reward manager does.

    uv run examples/verl_reward.py

verl loads the file whose path is printed; of OR1 only or1-reward must be installed beside it.
"""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location

import or1_reward.adapters.verl as adapter

ROWS = [
    ("math", r"So the probability is \boxed{\frac{3}{4}}.", "0.75"),
    ("math", r"So the probability is \boxed{\frac{2}{3}}.", "0.75"),
    ("code", "```python\nprint(sum(map(int, input().split())))\n```", '{"inputs": ["1 2\\n"], "outputs": ["3\\n"]}'),
]


def main() -> list[float]:
    """The scores of three responses."""
    print(f"custom_reward_function.path={adapter.__file__}")
    print("custom_reward_function.name=compute_score")
    spec = spec_from_file_location("custom_module", str(adapter.__file__))
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    results = [
        module.compute_score(data_source=source, solution_str=response, ground_truth=truth, extra_info={})
        for source, response, truth in ROWS
    ]
    for result in results:
        print(result["score"], result["status"], result["extracted"][:40])
    return [result["score"] for result in results]


if __name__ == "__main__":
    main()
