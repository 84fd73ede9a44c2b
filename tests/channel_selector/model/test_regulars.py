"""A customer kept at hand is the customer folded anew, whatever was told since and at whatever hour it is asked."""

from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from channel_selector import Context, Selector, SelectorSettings
from channel_selector.model.learning import customer_effects
from tests.channel_selector.strategies import NOW, option, outcome

WINDOW = timedelta(days=2)
EACH_SETTINGS = (
    SelectorSettings(attribution_window=WINDOW),
    SelectorSettings(attribution_window=WINDOW, half_life=timedelta(days=3)),
)
steps = st.one_of(
    st.tuples(st.just("choose"), st.sampled_from("ab"), st.integers(0, 200)),
    st.tuples(st.just("clicked"), st.integers(0, 9), st.integers(0, 200)),
    st.tuples(st.just("not_sent"), st.integers(0, 9), st.integers(0, 200)),
    st.tuples(st.just("learn"), st.just(""), st.integers(0, 200)),
    st.tuples(st.just("merge"), st.just(""), st.integers(0, 200)),
    st.tuples(st.just("split"), st.just(""), st.integers(0, 200)),
    st.tuples(st.just("ask"), st.just(""), st.integers(0, 400)),
)


@given(st.sampled_from(EACH_SETTINGS), st.lists(steps, max_size=25))
@example(EACH_SETTINGS[0], [("choose", "a", 0), ("clicked", 0, 49), ("choose", "b", 50)])
def test_what_is_at_hand_is_what_folding_gives(
    settings: SelectorSettings, taken: list[tuple[str, str | int, int]]
) -> None:
    """After every step, for both customers, whether messages are forgotten or not."""
    selector, made = Selector(settings, seed=4), 0
    for what, who, hours in taken:
        now = NOW + timedelta(hours=hours)
        if what == "choose":
            ways = [option(endpoint="e1"), option("p", hour=8, after=9, endpoint="e2")]
            selector.choose(Context(subject=str(who)), ways, now=now, decision_id=str(made))
            made += 1
        elif what == "learn":
            selector.learn(now=now)
        elif what == "merge":
            selector.merge("a", "b")
        elif what == "split":
            selector.split("a", into="b", endpoint_ids=["e2"])
        elif what != "ask":
            selector.record(str(who), outcome(what, hours))
        for subject in "ab":
            kept = selector.effects(subject, now=now)
            sends, outcomes = selector._history.sends(subject), selector._history.outcomes(subject)
            anew = customer_effects(sends, outcomes, population=selector.population, settings=settings, now=now)
            assert kept == anew
