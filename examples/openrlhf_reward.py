"""The verifier as OpenRLHF's reward: print the option for OpenRLHF, and call the function as its trainer does.

    uv run examples/openrlhf_reward.py

OpenRLHF loads the file that is printed by its path and calls `reward_func` with whole batches. Run here by a test,
without OpenRLHF itself.
"""

from __future__ import annotations

import or1_reward.adapters.openrlhf as adapter


def main() -> list[float]:
    """The rewards of two responses to one prompt."""
    print(f"--remote_rm_url {adapter.__file__} --label_key ground_truth")
    prompt = "What is 6 times 7? "
    queries = [prompt + r"It is \boxed{42}.", prompt + r"It is \boxed{41}."]
    found = adapter.reward_func(queries=queries, prompts=[prompt, prompt], labels=["42", "42"])
    rewards: list[float] = found["rewards"].tolist()
    print(rewards, {name: values.tolist() for name, values in found["extra_logs"].items()})
    return rewards


if __name__ == "__main__":
    main()
