"""Near-duplicate search, text in to pairs out: or1-data against datasketch 2.0, on the real sets of a folder.

    uv run --group bench benchmarks/data_dedup.py ../shared/data [--rounds 5]

Both search token 5-grams at Jaccard 0.7 over the same canonical tokens, tokenizing included; interleaved rounds in one
process on one core, medians of CPU seconds. Recall and precision are against the exact join.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from itertools import combinations
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from data_common import print_machine
from datasketch import MinHash, MinHashLSH

from or1_data.dedup import DedupSettings, exact_pairs, near_pairs
from or1_data.sources import read_source
from or1_data.text.canonical import canonical_tokens
from or1_data.text.shingles import shingles_of_texts

SKIP = {"manifest.json", "data__acc_step_500.json"}


def real_texts(folder: Path) -> list[str]:
    """All statements of all problem files."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and f.name not in SKIP]
    files = [f for f in files if not {"verifier", "reports"} & set(f.parts)]
    return [p.statement for f in files for p in read_source(f, set_aside=lambda error: None)]


def ours(texts: list[str], settings: DedupSettings) -> set[tuple[int, int]]:
    return multiplied(near_pairs(shingles_of_texts(texts, settings.ngram), settings))


def datasketch(texts: list[str]) -> set[tuple[int, int]]:
    """Datasketch as its documentation shows it: MinHash of 128, LSH at the threshold, every candidate taken."""
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


def multiplied(pairs) -> set[tuple[int, int]]:
    """Every pair, where or1-data reports one star per set of identical documents and pairs of their first members."""
    rows = list(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.similarity.tolist(), strict=True))
    members: dict[int, list[int]] = {}
    for first, second, similarity in rows:
        if similarity == 1.0:
            members.setdefault(first, [first]).append(second)
    found = {(a, b) for group in members.values() for a, b in combinations(sorted(group), 2)}
    for first, second, similarity in rows:
        if similarity < 1.0:
            found |= {
                (min(a, b), max(a, b)) for a in members.get(first, [first]) for b in members.get(second, [second])
            }
    return found


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
    truth = multiplied(exact)
    print(f"exact join: {len(truth)} pairs in {exact_s:.1f} s")
    for name, found in results.items():
        seconds = statistics.median(times[name])
        print(
            f"{name:11} {len(texts) / seconds:9.0f} docs/s (median of {arguments.rounds}, {seconds:.2f} s CPU)  "
            f"recall {len(found & truth) / len(truth):.4f}  precision {len(found & truth) / max(1, len(found)):.4f}"
        )
    ratio = statistics.median(times["datasketch"]) / statistics.median(times["or1-data"])
    print(f"ratio {ratio:.2f}x")


if __name__ == "__main__":
    main()
