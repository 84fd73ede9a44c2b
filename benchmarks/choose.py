"""How fast decisions are, 30 options each: many at once, on one processor and on two, and one at a time.

Beside them stands a floor: reading the options and making a Decision of each, with nothing worked out. What was built
before the clock starts is frozen, as a server does with what lives at its start (`service/web/garbage.py`): else the
garbage collector goes through hundreds of thousands of options while decisions are made.
"""

import gc
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.latencies import percentile
from benchmarks.records import Benchmark, Column, Contestant, Figures, Size
from channel_selector import Context, Decision, DeliveryOption, Outcome, OutcomeKind, Selector

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
ROUND = timedelta(days=10)
PLACES = (("app_push", "phone"), ("web_push", "desktop"), ("email", ""), ("messenger", ""))
OPTIONS, PARTS, PROCESSORS = 30, 8, 2
MANY = 4
"""How many times as many customers never met are in a pass: where it begins and ends one processor waits."""
ALONE = 1_000
"""Customers decided on one at a time, who are in no pass."""
PASSES = 3
"""How often each is measured in one process, over other customers each time; the median counts."""
CLICKS, BUYS = 0.07, 0.2
SEGMENTS = ("new", "loyal", "vip")


def prepare(_folder: Path, size: Size, _stack: ExitStack) -> str:
    """Tell what is decided; the contestants do it."""
    people = f"{MANY * size.people:,} customers never met or {size.people:,} with six messages a pass"
    return f"{people}, {OPTIONS} options each, already built and frozen; Decisions made"


def measure(people: int, rounds: int) -> Figures:
    """Decide for so many customers a pass who got so many messages each, about whom everybody's results tell."""
    random = np.random.default_rng(1)
    contexts = [
        Context(subject=f"c{number}", segment=SEGMENTS[number % 3], activity=random.poisson(3.0, 24).tolist())
        for number in range(2 * PASSES * people + ALONE)
    ]
    selector = Selector(seed=7)
    for turn in range(rounds):
        _live(selector, contexts, NOW + turn * ROUND, random)
    now = NOW + rounds * ROUND
    options = [_options(number, now) for number in range(len(contexts))]
    selector.choose(Context(subject="first"), options[0], now=now)
    gc.collect()
    gc.freeze()
    alone, together, floor, made, waits = [], [], [], [], []
    for first in range(0, len(contexts) - ALONE, 2 * people):
        mine, theirs = slice(first, first + people), slice(first + people, first + 2 * people)
        started = time.process_time()
        made = selector.choose_many(contexts[mine], options[mine], now=now, spread=map)
        alone.append(people / (time.process_time() - started))
        asked = time.perf_counter()
        selector.choose_many(contexts[theirs], options[theirs], now=now)
        together.append(people / (time.perf_counter() - asked))
        floor.append(people / _floor(made))
    for context, own in zip(contexts[-ALONE:], options[-ALONE:], strict=True):
        asked = time.perf_counter()
        selector.choose(context, own, now=now)
        waits.append(time.perf_counter() - asked)
    return {
        "decisions_per_second": median(alone),
        "decisions_per_second_together": median(together),
        "best_together": max(together),
        "times_floor": median(floor) / median(alone),
        "choose_p50_us": 1_000 * percentile(waits, 0.5),
        "choose_p99_us": 1_000 * percentile(waits, 0.99),
    }


def _floor(decisions: Sequence[Decision]) -> float:
    """Give the seconds of reading what the model reads of each option and making as many Decisions again."""
    names = [each.name for each in fields(Decision)]
    known: list[dict[str, Any]] = [{name: getattr(decision, name) for name in names} for decision in decisions]
    started = time.process_time()
    again = []
    for decision, values in zip(decisions, known, strict=True):
        read = [(o.channel, o.device_kind, o.local_hour, o.endpoint_id, o.cost) for o in decision.options]
        again.append((Decision(**values), read))
    return time.process_time() - started


def _live(selector: Selector, contexts: Sequence[Context], now: datetime, random: np.random.Generator) -> None:
    """Send everybody a message, let some react, and learn."""
    options = [_options(number, now) for number in range(len(contexts))]
    for decision in selector.choose_many(contexts, options, now=now):
        option = decision.option
        if option is not None and random.random() < CLICKS:
            clicked = option.send_at + timedelta(minutes=9)
            selector.record(decision, Outcome(kind=OutcomeKind.CLICKED, at=clicked))
            if random.random() < BUYS:
                selector.record(decision, Outcome(kind=OutcomeKind.CONVERTED, at=clicked + timedelta(minutes=30)))
    selector.learn(now=now + 0.9 * ROUND)


def _options(customer: int, now: datetime) -> list[DeliveryOption]:
    return [
        DeliveryOption(
            option_id=f"{place}-{part}",
            channel=channel,
            device_kind=kind,
            endpoint_id=f"{customer}-{place}",
            send_at=now + timedelta(hours=3 * part),
            local_hour=(12 + 3 * part) % 24,
            weekday=now.weekday(),
        )
        for place, (channel, kind) in enumerate(PLACES)
        for part in range(PARTS)
    ][:OPTIONS]


BENCHMARK = Benchmark(
    name="choose",
    title="The selector's speed",
    prepare=prepare,
    contestants=(
        Contestant(name="nothing learned", module="benchmarks.contestants.choose_new"),
        Contestant(name="six messages each", module="benchmarks.contestants.choose_learned"),
    ),
    control="nothing learned",
    rate="decisions_per_second",
    columns=(
        Column(figure="decisions_per_second", title="choose_many, decisions/s of a core"),
        Column(figure="decisions_per_second_together", title=f"/s of {PROCESSORS}, by the clock"),
        Column(figure="best_together", title="best pass"),
        Column(figure="times_floor", title="× only reading options and making Decisions", digits=1),
        Column(figure="choose_p50_us", title="choose p50 µs"),
        Column(figure="choose_p99_us", title="p99 µs"),
    ),
)
