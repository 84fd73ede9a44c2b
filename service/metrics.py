"""What the service counts of itself. Labels are routes, statuses and words of the domain: never an identifier."""

from collections import Counter as Tally
from collections.abc import Iterable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_JOBS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it bare; a second series for each of them, which nobody reads
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_requests = Counter("homing_http_requests", "Requests answered.", ("method", "route", "status"), registry=REGISTRY)
_request_seconds = Histogram(
    "homing_http_request_seconds", "Seconds to an answer.", ("route",), buckets=_SECONDS, registry=REGISTRY
)
_events = Counter("homing_events", "Events received, by what became of them.", ("verdict",), registry=REGISTRY)
_decisions = Counter("homing_decisions", "Recommendations given, by action.", ("action",), registry=REGISTRY)
_outcomes = Counter("homing_outcomes", "Outcomes received, by what became of them.", ("verdict",), registry=REGISTRY)
_damaged = Counter("homing_damaged_models", "Models found damaged, and passed over.", registry=REGISTRY)
_shifts = Gauge(
    "homing_learner_shift",
    "Rates that moved too far at once for the learner to believe; 0: it goes on.",
    registry=REGISTRY,
)
_waiting = Gauge("homing_writer_waiting", "Jobs that wait for the store.", registry=REGISTRY)
_refolded = Gauge(
    "homing_rules_resolved",
    "The share of the logs that is folded under the rules wanted; 1 where they are in force.",
    registry=REGISTRY,
)
_commit_seconds = Histogram(
    "homing_commit_seconds",
    "Seconds from the begin of a group of jobs to its commit.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
_commit_jobs = Histogram("homing_commit_jobs", "Jobs that shared a commit.", buckets=_JOBS, registry=REGISTRY)


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count one answer; `route` is the template (`/v1/profiles/{id}`), never the path that was asked for."""
    _requests_of(method, route, status).inc()
    _seconds_of(route).observe(seconds)


@cache  # as many as the library itself keeps: routes times methods times statuses
def _requests_of(method: str, route: str, status: int) -> Counter:
    """Find a series once; the library's own look-up takes a lock and reads every label anew."""
    return _requests.labels(method, route, str(status))


@cache
def _seconds_of(route: str) -> Histogram:
    return _request_seconds.labels(route)


def count_events(verdicts: Iterable[str]) -> None:
    """Count events by verdict: accepted, duplicate, dropped (somebody erased), or the code of their rejection."""
    for verdict, number in Tally(verdicts).items():
        _events.labels(verdict).inc(number)


def count_decision(action: str) -> None:
    """Count one recommendation: send, hold or suppress."""
    _decisions_of(action).inc()


@cache
def _decisions_of(action: str) -> Counter:
    return _decisions.labels(action)


def count_outcomes(verdicts: Iterable[str]) -> None:
    """Count outcomes by verdict: accepted, parked, late, erased, or the code of their rejection."""
    for verdict, number in Tally(verdicts).items():
        _outcomes.labels(verdict).inc(number)


def count_damaged_model() -> None:
    """Count one model that was not what it had been when it was kept."""
    _damaged.inc()


def tell_shifts(number: int) -> None:
    """Tell how many rates held the last run of the learner back."""
    _shifts.set(number)


def observe_commit(jobs: int, seconds: float) -> None:
    """Take note of one group commit."""
    _commit_jobs.observe(jobs)
    _commit_seconds.observe(seconds)


def exposition(*, waiting: int, refolded: float = 1.0) -> bytes:
    """Give everything counted, in Prometheus' text format.

    `waiting` jobs are in the writer's queue now; `refolded` of the logs, 0 to 1, are folded under the rules wanted.
    """
    _waiting.set(waiting)
    _refolded.set(refolded)
    return generate_latest(REGISTRY)
