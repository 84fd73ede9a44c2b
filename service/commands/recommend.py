"""`homing recommend`: the question of `POST /v1/recommendations`, asked of the store itself."""

from pathlib import Path
from typing import Any

import click
import orjson
from pydantic import ValidationError

from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.recommendation_answer import recommendation
from service.schemas.recommendations import RecommendationAsked


@click.command()
@click.argument("body", required=False, type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
@click.option("--namespace", help="What kind of identifier the recipient is named by.")
@click.option("--value", help="The recipient's identifier.")
@click.option("--message-id", help="The message's id; it has one decision for each profile.")
@click.option("--cart-id", help="The cart it is about.")
@click.option("--abandoned-at", help="When the cart was left; a shared device is whose it was then.")
@click.option("--best", is_flag=True, help="The best option instead of a draw; never learned from.")
@json_option
@with_settings
def recommend(chosen: Chosen, body: Path | None, *, best: bool, as_json: bool, **options: str | None) -> None:
    """Tell where and when one message should go.

    BODY is a file with the JSON of POST /v1/recommendations (- for standard input); or name the recipient by
    --namespace, --value and --message-id.
    """
    asked = _asked(_read(body) if body is not None else _shaped(options), best=best)
    with chosen.homing() as homing:
        now = homing.clock.now()
        ruling = homing.writer.submit(lambda conn: homing.decider.decide(conn, asked.ask(), now)).result()
    answer = recommendation(ruling, now, returned=tuple(asked.returned))
    if as_json:
        emit_json(answer)
    else:
        click.echo(sentence(answer))


def sentence(answer: dict[str, Any]) -> str:
    """Tell an answer in a few lines."""
    if answer["action"] != "send":
        return f"{answer['action']} ({answer['reason_code']}): {answer['reason']}"
    device = f" on device {answer['device_id']}" if answer["device_id"] else ""
    return f"send by {answer['channel']}{device} at {answer['send_at']} ({answer['reason_code']})\n{answer['reason']}"


def _read(path: Path) -> Any:
    try:
        with click.open_file(str(path), "rb") as file:
            return orjson.loads(file.read())
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read ({error.strerror}); give a JSON file, or - for input") from error
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{path} is not JSON: {error}") from error


def _shaped(options: dict[str, str | None]) -> dict[str, Any]:
    missing = [name for name in ("namespace", "value", "message_id") if not options[name]]
    if missing:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise click.UsageError(f"{named} not given; give them, or a file with the question's JSON")
    return {
        "recipient": {"namespace": options["namespace"], "value": options["value"]},
        "message": {"id": options["message_id"], "cart_id": options["cart_id"]},
        "abandoned_at": options["abandoned_at"],
    }


def _asked(given: Any, *, best: bool) -> RecommendationAsked:
    try:
        asked = RecommendationAsked.model_validate(given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
        raise click.UsageError(faults) from error
    return asked.model_copy(update={"explore": False}) if best else asked
