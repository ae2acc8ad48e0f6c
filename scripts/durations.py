"""Print the seconds of the tests by folder, and the slowest files, from a JUnit XML file.

uv run pytest --junitxml=/tmp/tests.xml && uv run scripts/durations.py /tmp/tests.xml
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path


def durations(report: Path) -> dict[str, float]:
    """Module such as `tests.trainer.test_config` -> seconds, including set-up and tear-down."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for case in ET.parse(report).iter("testcase"):
        seconds[".".join(case.get("classname", "").split(".")[:3])] += float(case.get("time", 0))
    return seconds


def table(head: str, seconds: dict[str, float], most: int) -> str:
    """The entries that took longest, as Markdown."""
    rows = sorted(seconds.items(), key=lambda item: -item[1])[:most]
    return "\n".join([f"| {head} | seconds |", "|---|---|", *(f"| `{name}` | {spent:.0f} |" for name, spent in rows)])


def main() -> None:
    """Print one table of folders and one of files."""
    by_file = durations(Path(sys.argv[1]))
    by_folder: defaultdict[str, float] = defaultdict(float)
    for name, spent in by_file.items():
        by_folder["/".join(name.split(".")[:2])] += spent
    print(table("folder", by_folder, 20), table("file", by_file, 15), sep="\n\n")


if __name__ == "__main__":
    main()
