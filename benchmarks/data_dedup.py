"""Near-duplicate search, text in to pairs out: or1-data against datasketch 2.0, on the real sets of a folder.

    uv run --group bench benchmarks/data_dedup.py ../shared/data [--rounds 5]

Both search token 5-grams at Jaccard 0.7 over the same canonical tokens, tokenising included; interleaved rounds in one
process on one core, medians. Recall and precision are against the exact join.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from data_common import print_machine  # noqa: E402
from datasketch import MinHash, MinHashLSH  # noqa: E402
from or1_data.dedup import DedupSettings, exact_pairs, near_pairs  # noqa: E402
from or1_data.sources import read_source  # noqa: E402
from or1_data.text.canonical import canonical_tokens  # noqa: E402
from or1_data.text.shingles import shingles_of_texts  # noqa: E402

SKIP = {"manifest.json", "data__acc_step_500.json"}


def real_texts(folder: Path) -> list[str]:
    """All statements of all problem files."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and f.name not in SKIP and f.parent.name != "verifier"]
    return [p.statement for f in files for p in read_source(f, set_aside=lambda error: None)]


def ours(texts: list[str], settings: DedupSettings) -> set[tuple[int, int]]:
    pairs = near_pairs(shingles_of_texts(texts, settings.ngram), settings)
    return expand(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def datasketch(texts: list[str]) -> set[tuple[int, int]]:
    """datasketch as its documentation shows it: MinHash of 128, LSH at the threshold, every candidate taken."""
    lsh = MinHashLSH(threshold=0.7, num_perm=128)
    found = set()
    for index, text in enumerate(texts):
        tokens = canonical_tokens(text)
        grams = {" ".join(tokens[i : i + 5]).encode() for i in range(max(1, len(tokens) - 4))}
        minhash = MinHash(num_perm=128)
        minhash.update_batch(grams)
        found.update((other, index) for other in lsh.query(minhash))
        lsh.insert(index, minhash)
    return found


def expand(pairs) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    texts = sorted(set(real_texts(arguments.folder)))
    print_machine("or1-data", "numpy", "datasketch")
    print(f"{len(texts)} different statements, {sum(map(len, texts)) / 1e6:.1f} MB")
    settings = DedupSettings()
    times: dict[str, list[float]] = {"or1-data": [], "datasketch": []}
    results = {}
    for _ in range(arguments.rounds):
        for name, run in (("or1-data", lambda: ours(texts, settings)), ("datasketch", lambda: datasketch(texts))):
            start = time.process_time()
            results[name] = run()
            times[name].append(time.process_time() - start)
    shingles = shingles_of_texts(texts)
    start = time.process_time()
    exact = exact_pairs(shingles, settings)
    exact_s = time.process_time() - start
    truth = expand(zip(exact.first.tolist(), exact.second.tolist(), strict=True))
    # Ours reports a star per set of identical texts and the pairs of its representatives; so does the truth.
    print(f"exact join: {len(truth)} pairs in {exact_s:.1f} s")
    everything = all_pairs(truth)
    for name, found in results.items():
        seconds = statistics.median(times[name])
        reference, mine = (truth, found) if name == "or1-data" else (everything, found)
        print(
            f"{name:11} {len(texts) / seconds:9.0f} docs/s (median of {arguments.rounds}, {seconds:.2f} s CPU)  "
            f"recall {len(mine & reference) / len(reference):.4f}  precision {len(mine & reference) / max(1, len(mine)):.4f}"
        )
    ratio = statistics.median(times["datasketch"]) / statistics.median(times["or1-data"])
    print(f"ratio {ratio:.2f}x")


def all_pairs(stars: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """All pairs that the stars of identical documents stand for: datasketch reports each of them."""
    return stars


if __name__ == "__main__":
    main()
