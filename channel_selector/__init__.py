"""Where and when: chooses each customer's channel, device and hour, and learns from what came of it."""

from channel_selector.decisions import Decision
from channel_selector.eligibility.context import Context
from channel_selector.eligibility.options import DeliveryOption
from channel_selector.outcomes import Outcome, OutcomeKind
from channel_selector.selector import Selector
from channel_selector.settings import SelectorSettings

__all__ = ["Context", "Decision", "DeliveryOption", "Outcome", "OutcomeKind", "Selector", "SelectorSettings"]
