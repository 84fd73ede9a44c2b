"""`homing evaluate`: what a policy would have earned on a log that another drew (CONTRACT 7), without a store."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from channel_selector.evidence.estimates import Estimate, Unavailable
from channel_selector.evidence.evidence import Evidence
from channel_selector.evidence.evidence import evaluate as judge
from channel_selector.validation import LARGEST
from service.commands.ranges import Within
from service.commands.results import emit_json, json_option
from service.errors import EvidenceError
from service.evidence.candidates import ALLOWED, candidate, names_one
from service.evidence.columns import Table
from service.evidence.logs import Log, rounds_of


def _named(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Refuse what names no policy before the log is read."""
    if text is not None and not names_one(text):
        raise click.BadParameter(f"{text!r} is none: there is no such file; {ALLOWED}")
    return text


@click.command()
@click.argument("log", metavar="LOG", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--policy", callback=_named, help=f"The policy to judge, if not the log's candidate columns: {ALLOWED}.")
@click.option(
    "--rewards",
    type=(Within(-LARGEST, LARGEST), Within(-LARGEST, LARGEST)),
    metavar="LOW HIGH",
    help="What no reward can lie beyond, for anytime intervals; 0 1 where all rewards lie there.",
)
@json_option
def evaluate(log: Path, policy: str | None, rewards: tuple[float, float] | None, *, as_json: bool) -> None:
    """Tell what a policy would have earned on LOG, a Parquet or CSV file of another policy's decisions.

    LOG has a row for each decision: action, propensity (of that action when it was drawn) and reward; any other columns
    are its context. The policy must have been fixed before the log: one learned from it looks better than it is.
    """
    judged = rounds_of(Table.read(log), None if policy is None else candidate(policy))
    try:
        found = judge(judged.rounds, bounds=rewards)
    except ValueError as error:
        raise EvidenceError(f"{log}: {error}") from error
    shown = _document(log, policy, judged, found)
    if as_json:
        emit_json(shown)
        return
    for line in _lines(shown):
        click.echo(line)


def _document(log: Path, policy: str | None, judged: Log, found: Evidence) -> dict[str, Any]:
    return {
        "log": str(log),
        "candidate": "the log's own columns" if policy is None else policy,
        "rounds": found.rounds,
        "left_out": judged.left_out,
        "log_value": found.log_value,
        "estimators": {each.estimator.value: _answer(each, found) for each in found.estimates},
        "support": asdict(found.support),
        "notes": list(judged.notes),
    }


def _answer(answer: Estimate | Unavailable, found: Evidence) -> dict[str, Any]:
    """Give an estimator's answer, the support violations beside it."""
    if isinstance(answer, Unavailable):
        return {"kind": "unavailable", "reason": answer.reason}
    return {
        "value": answer.value,
        "interval": list(answer.interval),
        "kind": answer.kind.value,
        "relative": answer.value / found.log_value if found.log_value else None,
        "effective_sample_size": answer.effective_sample_size,
        "support_violations": found.support.violations,
    }


def _lines(shown: dict[str, Any]) -> Iterator[str]:
    """Write the same for a person to read."""
    left_out = "".join(f", {count:,} left out ({reason})" for reason, count in shown["left_out"].items() if count)
    yield f"{shown['log']}: {shown['rounds']:,} rounds{left_out}; the log's own value {shown['log_value']:.6g}"
    yield f"candidate: {shown['candidate']}"
    yield ""
    yield f"{'':12} {'value':>12} {'95 % interval':>27}  {'kind':12} {'effective rounds':>16}"
    for name, answer in shown["estimators"].items():
        if answer["kind"] == "unavailable":
            yield f"{name:12} {'unavailable':>12}: {answer['reason']}"
            continue
        low, high = answer["interval"]
        interval, rounds = f"{low:12.6g} … {high:12.6g}", f"{answer['effective_sample_size']:16,.0f}"
        yield f"{name:12} {answer['value']:12.6g} {interval}  {answer['kind']:12} {rounds}"
    yield ""
    yield _support(shown["support"])
    for note in shown["notes"]:
        yield f"note: {note}"


def _support(support: dict[str, Any]) -> str:
    weight = f"mean weight {support['mean_weight']:.3f} (1 where the log supports the candidate)"
    if support["violations"] is None:
        return f"support: not known, the log lacks probabilities; {weight}"
    return (
        f"support: {support['violations']:,} rounds ({support['share']:.1%}) where the candidate may do what the log's "
        f"policy never did, with {support['mass']:.1%} of its choices; {weight}"
    )
