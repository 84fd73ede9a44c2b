"""Imported by the process that others are forked from: all that `homing` needs is loaded once, not at each start."""

import gc

import psycopg
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite
import uvicorn.lifespan.on
import uvicorn.loops.uvloop
import uvicorn.protocols.http.httptools_impl
import uvloop

import service.app
import service.cli
import service.commands.importing
import service.commands.keys
import service.commands.migrate
import service.commands.rebuild
import service.commands.serve
import service.settings.settings
import service.wiring
from channel_selector.choosing import load_compiled
from service.events.devices import load_user_agents

__all__ = ["psycopg", "service", "sqlalchemy", "uvicorn", "uvloop"]

load_user_agents()
load_compiled()
gc.freeze()
