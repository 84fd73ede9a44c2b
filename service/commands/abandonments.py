"""`homing abandonments`: carts left behind and not bought on any device."""

import asyncio
from datetime import datetime, timedelta

import click

from service.carts.abandonment_answer import shown
from service.carts.abandonments import abandoned
from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.events.event_time import read_time
from service.schemas.abandonments import AbandonmentShown
from service.settings.setting_kinds import SPAN


def _since(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | timedelta | None:
    """Read a moment, or a span before now."""
    if value is None:
        return None
    moment = read_time(value)
    if moment is not None:
        return moment
    try:
        return SPAN.read(value)
    except ValueError:
        message = f"{value!r} is not allowed; use a time like 2026-01-31T09:30:00Z or a span before now like 2d."
        raise click.BadParameter(message) from None


@click.command()
@click.option(
    "--since", callback=_since, help="Abandoned then or later, or within a span like 2d; those still recoverable."
)
@click.option("--pii", is_flag=True, help="Show identifiers whole.")
@json_option
@with_settings
def abandonments(chosen: Chosen, since: datetime | timedelta | None, *, pii: bool, as_json: bool) -> None:
    """List carts left behind and not bought on any device, the one left last first."""
    with chosen.homing() as homing:
        now = homing.clock.now()
        found = asyncio.run(abandoned(homing, now - since if isinstance(since, timedelta) else since, now))
    carts = [shown(left, pii=pii) for left in found]
    if as_json:
        emit_json([cart.model_dump() for cart in carts])
        return
    for cart in carts:
        click.echo(_line(cart))
    click.echo(f"{len(carts)} carts", err=True)


def _line(cart: AbandonmentShown) -> str:
    value = "value unknown" if cart.cart_value is None else f"{cart.cart_value:,.2f} {cart.currency or ''}".strip()
    device = "no device" if cart.device is None else f"{cart.device.namespace} {cart.device.value}"
    return (
        f"{cart.abandoned_at:%Y-%m-%d %H:%M}Z  {cart.profile_id}  {cart.cart_id or '(unnamed)'}  {value}  "
        f"{len(cart.items)} products  {device}  {cart.state}"
    )
