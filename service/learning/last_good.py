"""The model that decides is the newest that is whole; with none, what is assumed before anything is learned decides."""

import logging
from datetime import timedelta

import orjson
from sqlalchemy.engine import Connection

from channel_selector.errors import CorruptFileError
from channel_selector.model.population import Population
from service import metrics
from service.store import models

log = logging.getLogger("homing.learner")


def population(conn: Connection, window: timedelta) -> Population:
    """Give the population to decide by; never an error, whatever is in the store's models.

    One learned by an older model or with another attribution window says nothing here: its successor will be learned.
    """
    for snapshot in models.kept(conn):
        try:
            found = Population.recalled(orjson.loads(snapshot.body))
        except (CorruptFileError, orjson.JSONDecodeError):
            log.warning("the model of run %d is damaged; an earlier one decides, see `homing verify`", snapshot.run)
            metrics.count_damaged_model()
            continue
        return found if found is not None and found.engaged_delays.window == window else Population.empty(window)
    return Population.empty(window)
