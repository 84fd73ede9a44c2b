"""`homing evaluate`: a log in, a candidate's value out; whatever is wrong is told by file, column and row."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest

from channel_selector import Context, DeliveryOption, Outcome, OutcomeKind, Selector, SelectorSettings
from service.evidence.candidates import Open, Saved
from service.evidence.columns import Table
from tests.service.commands.program import Program

ROUNDS = 400
ACTIONS = ["app_push/phone/18", "email//9", "sms/phone/12"]
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def table(**columns: Any) -> pl.DataFrame:
    """Make a log with all that a log can hold; `columns` replace its own, None leaves one out."""
    random = np.random.default_rng(1)
    logging = np.tile([0.5, 0.3, 0.2], (ROUNDS, 1))
    drawn = random.choice(3, ROUNDS, p=[0.5, 0.3, 0.2])
    candidate = np.tile([0.1, 0.8, 0.1], (ROUNDS, 1))
    places = np.arange(ROUNDS)
    whole = {
        "segment": ["vip" if place % 3 else "new" for place in range(ROUNDS)],
        "age": [20.0 + place % 50 for place in range(ROUNDS)],
        "action": [ACTIONS[place] for place in drawn],
        "propensity": logging[places, drawn],
        "reward": (random.random(ROUNDS) < np.array([0.1, 0.4, 0.2])[drawn]).astype(int),
        "at": [NOW + timedelta(minutes=place) for place in range(ROUNDS)],
        "subject": [f"subject-{place % 40}" for place in range(ROUNDS)],
        "policy_version": ["fixed-1"] * ROUNDS,
        "eligible": [ACTIONS] * ROUNDS,
        "probabilities": logging.tolist(),
        "candidate_propensity": candidate[places, drawn],
        "candidate_probabilities": candidate.tolist(),
        "matured": [True] * ROUNDS,
    }
    return pl.DataFrame({name: values for name, values in (whole | columns).items() if values is not None})


def parquet(program: Program, frame: pl.DataFrame) -> str:
    """Write a log as Parquet."""
    path = program.folder / "log.parquet"
    frame.write_parquet(path)
    return str(path)


def csv(program: Program, frame: pl.DataFrame, name: str = "log.csv") -> str:
    """Write a log as CSV, lists as JSON."""
    lists = [column for column in frame.columns if isinstance(frame[column].dtype, pl.List)]
    texts = {column: [orjson.dumps(items).decode() for items in frame[column].to_list()] for column in lists}
    path = program.folder / name
    frame.with_columns(**{column: pl.Series(text) for column, text in texts.items()}).write_csv(path)
    return str(path)


ALONE = dict.fromkeys(("at", "subject", "policy_version", "eligible", "probabilities", "candidate_probabilities"))
"""What a log leaves out that holds only the candidate's probability of the drawn action."""


def test_a_whole_log_feeds_every_estimator(program: Program) -> None:
    """By hand for IPS and SNIPS; DR near them; each with interval, kind, effective sample size, support violations."""
    frame = table()
    told = program.json("evaluate", parquet(program, frame))
    weights = frame["candidate_propensity"].to_numpy() / frame["propensity"].to_numpy()
    earned = weights * frame["reward"].to_numpy()
    ips = earned.mean()
    estimators = told["estimators"]
    assert estimators["ips"]["value"] == pytest.approx(ips, abs=1e-12)
    assert estimators["snips"]["value"] == pytest.approx(earned.sum() / weights.sum(), abs=1e-12)
    assert estimators["dr"]["value"] == pytest.approx(ips, abs=0.1)
    assert list(estimators) == ["ips", "snips", "dr", "switch_dr", "ips_anytime", "dr_anytime"]
    for name, answer in estimators.items():
        low, high = answer["interval"]
        assert low < answer["value"] < high
        assert answer["kind"] == ("anytime" if name.endswith("anytime") else "asymptotic")
        assert 0 < answer["effective_sample_size"] <= ROUNDS
        assert answer["support_violations"] == 0
    assert (told["rounds"], told["log_value"]) == (ROUNDS, pytest.approx(frame["reward"].mean()))
    assert estimators["ips"]["relative"] == pytest.approx(ips / told["log_value"])


def test_a_csv_says_the_same(program: Program) -> None:
    """Also zipped; lists as JSON, times with a zone or without, flags as words."""
    frame = table()
    one = program.json("evaluate", parquet(program, frame))
    other = program.json("evaluate", csv(program, frame))
    assert other["estimators"] == one["estimators"]
    plain = frame.with_columns(pl.col("at").dt.strftime("%Y-%m-%d %H:%M:%S"), matured=pl.lit("TRUE"))
    assert program.json("evaluate", csv(program, plain))["estimators"] == one["estimators"]


def test_rows_stand_in_the_order_of_time(program: Program) -> None:
    """Shuffled rows give the same; without times the file's own order counts, and a note says so."""
    frame = table()
    one = program.json("evaluate", parquet(program, frame))
    shuffled = program.json("evaluate", parquet(program, frame.sample(fraction=1.0, shuffle=True, seed=3)))
    assert shuffled["estimators"] == one["estimators"]
    assert one["notes"] == []
    assert "no times" in program.json("evaluate", parquet(program, frame.drop("at")))["notes"][0]


def test_open_windows_are_left_out(program: Program) -> None:
    """A row whose outcome is still to come is no failure, and needs no reward."""
    frame = table(matured=[place % 4 != 0 for place in range(ROUNDS)])
    rewards = [None if place % 4 == 0 else reward for place, reward in enumerate(frame["reward"])]
    told = program.json("evaluate", parquet(program, frame.with_columns(reward=pl.Series(rewards))))
    alone = program.json("evaluate", parquet(program, frame.filter(pl.col("matured"))))
    assert told["left_out"]["unmatured"] == 100
    assert told["rounds"] == 300
    assert told["estimators"] == alone["estimators"]


def test_the_candidates_propensity_alone_feeds_ips(program: Program) -> None:
    """DR and Switch-DR are unavailable, with the reason."""
    told = program.json("evaluate", csv(program, table(**ALONE)))
    kinds = {name: answer["kind"] for name, answer in told["estimators"].items()}
    assert kinds["ips"] == kinds["snips"] == "asymptotic"
    assert kinds["dr"] == kinds["switch_dr"] == "unavailable"
    assert "candidate_probabilities" in told["estimators"]["dr"]["reason"]
    assert told["support"]["violations"] is None
    shown = program.run("evaluate", csv(program, table(**ALONE))).stdout
    assert "unavailable: the log holds the candidate's probability of the drawn action alone" in shown


NO_CANDIDATE = dict.fromkeys(("candidate_propensity", "candidate_probabilities"))


def test_an_even_draw(program: Program) -> None:
    """`uniform` over what was eligible: the same as a column of thirds."""
    thirds = table(candidate_propensity=None, candidate_probabilities=[[1 / 3] * 3] * ROUNDS)
    told = program.json("evaluate", parquet(program, table(**NO_CANDIDATE)), "--policy", "uniform")
    assert told["estimators"] == program.json("evaluate", parquet(program, thirds))["estimators"]


def test_always_one_action(program: Program) -> None:
    """IPS by hand; where it was not eligible, the round is left out and counted."""
    frame = table(**NO_CANDIDATE)
    told = program.json("evaluate", parquet(program, frame), "--policy", "always:email//9")
    mailed = frame.filter(pl.col("action") == "email//9")["reward"].to_list()
    assert told["estimators"]["ips"]["value"] == pytest.approx(sum(mailed) / 0.3 / ROUNDS, abs=1e-12)
    menus = [
        ACTIONS if place % 2 or action == "sms/phone/12" else ACTIONS[:2]
        for place, action in enumerate(frame["action"])
    ]
    laws = [[0.5, 0.3, 0.2] if len(menu) == 3 else [0.625, 0.375] for menu in menus]
    fewer = frame.with_columns(
        eligible=pl.Series(menus),
        probabilities=pl.Series(laws),
        propensity=pl.Series([law[menu.index(a)] for law, menu, a in zip(laws, menus, frame["action"], strict=True)]),
    )
    told = program.json("evaluate", parquet(program, fewer), "--policy", "always:sms/phone/12")
    assert told["left_out"]["action not open"] == sum(len(menu) == 2 for menu in menus)
    assert told["rounds"] + told["left_out"]["action not open"] == ROUNDS


def test_a_log_that_does_not_tell_what_was_eligible(program: Program) -> None:
    """Its actions are taken to be, always, and a note says so; whole numbers are places in the lists."""
    frame = table(**ALONE)
    told = program.json("evaluate", csv(program, frame), "--policy", "always:email//9")
    assert "all of its 3 actions" in told["notes"][0]
    assert told["estimators"]["dr"]["kind"] == "asymptotic"
    assert told["estimators"]["dr_anytime"]["kind"] == "unavailable"
    whole = table()
    numbered = whole.drop("eligible").with_columns(
        action=pl.Series([ACTIONS.index(action) for action in whole["action"]])
    )
    one, other = (program.json("evaluate", parquet(program, each)) for each in (whole, numbered))
    assert other["estimators"] == one["estimators"]


def saved(folder: Path, settings: SelectorSettings) -> str:
    """Save a selector that has learned that e-mails at nine are clicked and pushes are not."""
    selector = Selector(settings, seed=3)
    for number in range(40):
        at = NOW - timedelta(days=20, minutes=-number)
        options = [
            DeliveryOption(
                option_id=action,
                channel=action.split("/")[0],
                device_kind=action.split("/")[1],
                endpoint_id=action,
                send_at=at,
                local_hour=int(action.split("/")[2]),
                weekday=at.weekday(),
            )
            for action in ACTIONS
        ]
        decision = selector.choose(Context(subject=f"earlier-{number}"), options, now=at)
        if decision.option_id == "email//9":
            for kind in (OutcomeKind.CLICKED, OutcomeKind.CONVERTED):
                selector.record(decision, Outcome(kind=kind, at=at + timedelta(hours=1)))
    selector.learn(now=NOW - timedelta(days=1))
    selector.save(folder / "selector.json")
    return str(folder / "selector.json")


def test_a_saved_selector_is_judged(program: Program) -> None:
    """It has learned of e-mails, which do best: better than the log; a holdout of its own does not matter."""
    frame = parquet(program, table(**NO_CANDIDATE))
    told = program.json("evaluate", frame, "--policy", saved(program.folder, SelectorSettings()))
    assert told["estimators"]["dr"]["value"] > told["log_value"]
    assert told["estimators"]["dr"]["kind"] == "asymptotic"
    held = program.json("evaluate", frame, "--policy", saved(program.folder, SelectorSettings(holdout=0.5)))
    assert held["rounds"] == ROUNDS
    assert held["estimators"]["ips"]["effective_sample_size"] > 0


def test_a_saved_selector_learns_nothing_from_the_log(program: Program) -> None:
    """Whom it has met or not, a subject of 40 rounds eight weeks apart has the same law in every one of them."""
    path = Path(saved(program.folder, SelectorSettings()))
    for subject in ("earlier-0", "never-met"):
        rounds = table(
            **NO_CANDIDATE, subject=[subject] * ROUNDS, at=[NOW + timedelta(weeks=8 * place) for place in range(ROUNDS)]
        )
        menu = Open(names=tuple(ACTIONS), actions=np.tile([0, 2], 40), starts=2 * np.arange(40), sizes=np.full(40, 2))
        log = program.folder / "repeated.parquet"
        rounds.head(40).write_parquet(log)
        laws = Saved.load(path).probabilities(menu, Table.read(log)).reshape(40, 2)
        assert (laws == laws[0]).all()
        assert laws[0].sum() == pytest.approx(1.0)


def test_a_saved_selector_knows_whom_it_met(program: Program) -> None:
    """Who left a push unanswered before it was saved is less likely to get one than somebody never met."""
    path = Path(saved(program.folder, SelectorSettings()))
    pushed = next(each.subject for each in Selector.load(path).decisions() if each.option_id == ACTIONS[0])
    log = program.folder / "two.parquet"
    table(**NO_CANDIDATE).head(2).with_columns(subject=pl.Series([pushed, "never-met"])).write_parquet(log)
    menu = Open(names=tuple(ACTIONS), actions=np.tile([0, 2], 2), starts=2 * np.arange(2), sizes=np.full(2, 2))
    met, unmet = Saved.load(path).probabilities(menu, Table.read(log)).reshape(2, 2)
    assert met[0] < unmet[0] - 0.001


def test_a_saved_selector_reads_only_names_of_its_kind(program: Program) -> None:
    """Others are told how to be named; a damaged file and one that may send nothing are refused."""
    frame = table(**NO_CANDIDATE)
    selector = saved(program.folder, SelectorSettings())
    named = frame.with_columns(action=pl.lit("blue"), eligible=pl.Series([["blue"]] * ROUNDS)).drop("probabilities")
    assert "cannot read the action blue" in program.refused(
        "evaluate", parquet(program, named), "--policy", selector, expect=1
    )
    (program.folder / "selector.json").write_text("{")
    assert "selector" in program.refused("evaluate", parquet(program, frame), "--policy", selector, expect=1)
    silent = saved(program.folder, SelectorSettings(do_not_send=True, margin=0.0))
    assert "may send nothing" in program.refused("evaluate", parquet(program, frame), "--policy", silent, expect=1)


def test_money_needs_its_bounds(program: Program) -> None:
    """Amounts get asymptotic intervals; anytime ones once it is said how far they can go."""
    path = parquet(program, table().with_columns(reward=pl.col("reward") * 40.0))
    assert program.json("evaluate", path)["estimators"]["dr_anytime"]["kind"] == "unavailable"
    told = program.json("evaluate", path, "--rewards", "0", "50")
    assert told["estimators"]["dr_anytime"]["kind"] == "anytime"
    assert "outside 0 to 5" in program.refused("evaluate", path, "--rewards", "0", "5", expect=1)


def test_the_largest_amounts_give_finite_figures(program: Program) -> None:
    """Rewards of 1e15 either way, propensities of 1e-15, contexts that overflow: every figure is a number."""
    sign = pl.when(pl.col("segment") == "vip").then(1.0).otherwise(-1.0)
    huge = table(age=[1.7e308, -1.7e308, float("inf"), 1.0] * (ROUNDS // 4)).with_columns(reward=sign * 1e15)
    rare = table(**ALONE).with_columns(reward=sign * 1e15, propensity=1e-15, candidate_propensity=1.0)
    for frame in (huge, rare):
        told = program.json("evaluate", parquet(program, frame), "--rewards", "-1e15", "1e15")
        for answer in told["estimators"].values():
            if answer["kind"] != "unavailable":  # JSON has null for what is not finite
                assert None not in [answer["value"], answer["effective_sample_size"], *answer["interval"]]
        assert told["support"]["mean_weight"] is not None


@pytest.mark.parametrize("bounds", [("0", "inf"), ("-1e308", "1e308"), ("nan", "1"), ("0", "nan"), ("-inf", "0")])
def test_bounds_of_rewards_are_amounts(program: Program, bounds: tuple[str, str]) -> None:
    """Exit 2, and what they may be."""
    said = program.run("evaluate", parquet(program, table()), "--rewards", *bounds, expect=2).stderr
    assert "is not in the range -1e+15 to 1e+15" in said


def test_a_carts_value_is_an_amount(program: Program) -> None:
    """Beyond 1e15 it is refused by its row, before the selector is asked."""
    frame = table(**NO_CANDIDATE, cart_value=[1.0, 1e16] * (ROUNDS // 2))
    selector = saved(program.folder, SelectorSettings())
    said = program.refused("evaluate", parquet(program, frame), "--policy", selector, expect=1)
    assert "column cart_value, row 2" in said


def test_a_candidate_that_draws_nothing_of_the_log(program: Program) -> None:
    """IPS and SNIPS do not say nought with certainty: they say that they cannot tell."""
    frame = table(**ALONE).with_columns(candidate_propensity=0.0)
    estimators = program.json("evaluate", parquet(program, frame))["estimators"]
    for name in ("ips", "snips"):
        assert (estimators[name]["kind"], "none of the log's actions" in estimators[name]["reason"]) == (
            "unavailable",
            True,
        )


def replaced(name: str, value: object, row: int = 6) -> pl.DataFrame:
    """Make a log with one cell replaced, its column as text where the value needs that."""
    frame = table()
    values: list[Any] = frame[name].to_list()
    values[row] = value
    if isinstance(value, str):
        values = [orjson.dumps(each).decode() if isinstance(each, list) else str(each) for each in values]
    return frame.with_columns(pl.Series(name, values, strict=False))


@pytest.mark.parametrize("write", [parquet, csv])
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("propensity", 0.0, "it is 0; it must be above 0"),
        ("propensity", 1e-310, "1e-15 is the least"),
        ("propensity", 1e-300, "1e-15 is the least"),
        ("propensity", 1.5, "it is 1.5; it must be above 0 and at most 1"),
        ("propensity", float("nan"), "it must be above 0"),
        ("propensity", -0.1, "it is -0.1"),
        ("propensity", None, "it is empty"),
        ("propensity", "often", "it is not a number"),
        ("propensity", 0.7, "it differs from the same action's probability in the list"),
        ("reward", float("inf"), "it is inf; it must be a finite number"),
        ("reward", 1.7e308, "it must be a finite number from -1e15 to 1e15"),
        ("reward", None, "it is empty"),
        ("reward", "yes", "it is not a number"),
        ("candidate_propensity", 1.2, "it is 1.2; it must be from 0 to 1"),
        ("candidate_propensity", 0.55, "it differs"),
        ("action", "pigeon", "once"),
        ("action", None, "it is empty"),
        ("eligible", [], "it is empty"),
        ("eligible", ["email//9", "sms/phone/12", None], "every item must name an action"),
        ("eligible", ["email//9", "sms/phone/12", ""], "every item must name an action"),
        ("eligible", ["email//9"], "eligible"),
        ("probabilities", [0.5, 0.5], "as long as the list of eligible actions"),
        ("probabilities", [0.5, 0.3, 0.3], "must sum to 1"),
        ("probabilities", [0.5, -0.5, 1.0], "from 0 to 1"),
        ("candidate_probabilities", [float("nan"), 0.5, 0.5], "from 0 to 1"),
        ("candidate_probabilities", "half", "it must"),
        ("at", "yesterday", "it must be a time such as"),
        ("matured", "perhaps", "it must be true or false"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    program: Program, write: Any, name: str, value: object, says: str
) -> None:
    """Exit 1 and one line: the file, the column, row 7, and what is allowed."""
    path = write(program, replaced(name, value))
    said = program.refused("evaluate", path, expect=1)
    assert path in said
    assert says in said
    assert "row 7" in said
    assert f"column {name}" in said or "eligible" in said


def test_many_wrong_rows_are_counted(program: Program) -> None:
    """The first by name, also where the file is out of order."""
    frame = table().with_columns(propensity=pl.when(pl.col("segment") == "new").then(2.0).otherwise("propensity"))
    said = program.refused("evaluate", parquet(program, frame.reverse()), expect=1)
    assert "row 1 (and 133 rows more)" in said


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("log.csv", b"", "is empty"),
        ("log.csv", b"action,propensity,reward\n", "holds no rows"),
        ("log.csv", b"action,reward\na,1\n", "lacks the column propensity; it has action, reward"),
        ("log.csv", b"action,propensity,reward\na,0.5,1\n", "tells of no candidate"),
        ("log.csv", b"action,action,propensity,reward\na,b,0.5,1\n", "has 2 columns action; name each column once"),
        ("log.csv", b"action,propensity,reward\na,0.5,1,7,8\n", "cannot be read"),
        ("log.csv", b"action,propensity,reward\n\xff\xfe,0.5,1\n", "cannot be read"),
        ("log.parquet", b"", "cannot be read"),
        ("log.parquet", b"PAR1 no table PAR1", "cannot be read"),
        ("log.xlsx", b"", "use one of .parquet, .csv"),
    ],
)
def test_what_is_no_log_is_told(program: Program, name: str, content: bytes, says: str) -> None:
    """Exit 1 and one line that names the file."""
    path = program.folder / name
    path.write_bytes(content)
    said = program.refused("evaluate", str(path), expect=1)
    assert says in said
    assert str(path) in said


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_parquet_file_cut_off_is_told(program: Program, share: float) -> None:
    """Wherever it ends."""
    path = Path(parquet(program, table()))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "cut off, damaged" in program.refused("evaluate", str(path), expect=1)


def test_nothing_matured_is_told(program: Program) -> None:
    """All windows are open still."""
    assert "no matured rows" in program.refused("evaluate", parquet(program, table(matured=[False] * ROUNDS)), expect=1)


def test_an_action_that_the_log_does_not_have_is_told(program: Program) -> None:
    """With those that it has."""
    said = program.refused("evaluate", parquet(program, table()), "--policy", "always:pigeon", expect=1)
    assert "the log has no action pigeon; it has app_push/phone/18" in said


def test_wrong_use_is_told(program: Program) -> None:
    """Exit 2: no file, no such file, no such policy."""
    program.refused("evaluate", expect=2)
    said = program.refused("evaluate", parquet(program, table()), "--policy", "best", expect=2)
    assert "use uniform, always:ACTION" in said
    assert "does not exist" in program.refused("evaluate", "nowhere.parquet", expect=2)


def test_people_are_told_in_a_table(program: Program) -> None:
    """One line an estimator, then the support."""
    shown = program.run("evaluate", parquet(program, table())).stdout.splitlines()
    assert "400 rounds; the log's own value 0." in shown[0]
    assert [line.split()[0] for line in shown[4:10]] == ["ips", "snips", "dr", "switch_dr", "ips_anytime", "dr_anytime"]
    assert shown[-1].startswith("support: 0 rounds (0.0%)")
