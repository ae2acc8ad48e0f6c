"""What the processor of this machine is good at."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CPU_INFO: Final = Path("/proc/cpuinfo")


def has_fast_bfloat16(cpu_info: Path = CPU_INFO) -> bool:
    """Whether bfloat16 matrices are multiplied faster than float32 ones here: two to four times with these features.

    AMX and ARM's bf16 count on any processor, AVX512-BF16 on AMD's alone: an Intel Xeon without AMX reached 195
    GFLOP/s with it, and 343 in float32 (products of 2048 x 2048 with oneDNN, 2 cores, 2026-11-30). False where the
    processor cannot be asked (no /proc).
    """
    words = _words(cpu_info)
    return bool(words & {"amx_bf16", "bf16"}) or words >= {"avx512_bf16", "AuthenticAMD"}


def is_intel(cpu_info: Path = CPU_INFO) -> bool:
    """Whether Intel made the processor; False where it cannot be asked."""
    return "GenuineIntel" in _words(cpu_info)


def _words(cpu_info: Path) -> set[str]:
    """The maker and the features."""
    try:
        lines = cpu_info.read_text().splitlines()
    except OSError:
        return set()
    return {word for line in lines if line.startswith(("flags", "Features", "vendor_id")) for word in line.split()}
