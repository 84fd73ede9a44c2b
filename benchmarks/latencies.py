"""Many waits become a few figures."""

from collections.abc import Sequence

from benchmarks.records import Figures


def percentile(seconds: Sequence[float], share: float) -> float:
    """Give the wait, in milliseconds, that this share of all did not exceed (nearest rank; at least one is needed)."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def waits(name: str, seconds: Sequence[float]) -> Figures:
    """Give the median and the 99th percentile, in milliseconds, under that name."""
    return {f"{name}_p50_ms": percentile(seconds, 0.5), f"{name}_p99_ms": percentile(seconds, 0.99)}
