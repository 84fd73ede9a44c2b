"""The results as people read them: one line a fault, its columns aligned."""

from collections.abc import Sequence

from tests.faults.proofs import Result

HEAD = ("fault", "cycles", "acknowledged", "lost", "twice", "same digest", "worst seconds", "verdict")


def table(results: Sequence[Result]) -> str:
    """Write the table, and below it what was found wrong where nothing should be."""
    rows = [HEAD, *map(_row, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-|-".join("-" * width for width in widths))
    notes = [f"{result.fault}: {note}" for result in results for note in result.notes]
    return "\n".join([*lines, "", *notes] if notes else lines)


def _row(result: Result) -> tuple[str, ...]:
    return (
        f"{result.fault} (control)" if result.control else result.fault,
        f"{result.cycles:,}",
        _number(result.acknowledged),
        _number(result.lost),
        _number(result.twice),
        "" if result.same_digest is None else ("yes" if result.same_digest else "no"),
        "" if result.worst_seconds is None else f"{result.worst_seconds:.2f}",
        result.verdict,
    )


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
