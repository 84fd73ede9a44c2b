"""`homing recommend`: the question of `POST /v1/recommendations`, asked of the store itself, once or for a campaign."""

import sys
from pathlib import Path
from typing import Any

import click
import orjson
from pydantic import ValidationError

from service.campaigns.audience import READ, can_be_read
from service.campaigns.results import WRITTEN
from service.campaigns.running import Campaign, run
from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.decisions.recommendation_answer import recommendation
from service.schemas.recommendations import RecommendationAsked

FILE = click.Path(dir_okay=False, path_type=Path)
STEPS = 1_000
"""How finely the progress bar tells the share done."""


@click.command()
@click.argument("body", required=False, type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
@click.option("--namespace", help="What kind of identifier the recipient is named by.")
@click.option("--value", help="The recipient's identifier.")
@click.option("--message-id", help="The message's id; it has one decision for each profile.")
@click.option("--cart-id", help="The cart it is about.")
@click.option("--abandoned-at", help="When the cart was left; a shared device is whose it was then.")
@click.option("--best", is_flag=True, help="The best option instead of a draw; never learned from.")
@click.option("--audience", type=FILE, help="A whole campaign: a file of recipients, NDJSON, CSV or Parquet.")
@click.option("--out", type=FILE, help="Where the campaign's answers go: .ndjson, .csv or .parquet.")
@json_option
@with_settings
def recommend(
    chosen: Chosen,
    body: Path | None,
    *,
    best: bool,
    audience: Path | None,
    out: Path | None,
    as_json: bool,
    **options: str | None,
) -> None:
    """Tell where and when one message should go, or a campaign's to everybody in a file.

    BODY is a file with the JSON of POST /v1/recommendations (- for standard input); or name the recipient by
    --namespace, --value and --message-id.

    With --audience and --out each row of the file is a recipient (namespace and value, or profile_id); it may have
    message_id, cart_id, cart_value and the like of its own, and what it lacks is taken from BODY or --message-id. A row
    that cannot be asked for is listed in AUDIENCE.rejects.ndjson with its line and reason. Cut off, it is run again.
    """
    if (audience is None) != (out is None):
        raise click.UsageError("--audience and --out go together; give both, or neither for one recommendation")
    if audience is not None and out is not None:
        _campaign(chosen, audience, out, _template(body, options, best=best), as_json=as_json)
        return
    asked = _asked(_read(body) if body is not None else _shaped(options), best=best)
    with chosen.homing() as homing:
        now = homing.clock.now()
        ruling = homing.writer.submit(lambda conn: homing.decider.decide(conn, asked.ask(), now)).result()
    answer = recommendation(ruling, now, returned=tuple(asked.returned))
    if as_json:
        emit_json(answer)
    else:
        click.echo(sentence(answer))


def _campaign(chosen: Chosen, audience: Path, out: Path, template: dict[str, Any], *, as_json: bool) -> None:
    """Ask for everybody behind a progress bar on stderr."""
    if not can_be_read(audience):
        raise click.UsageError(f"{audience} has no ending that tells what it is; use one of {', '.join(READ)}")
    if not audience.is_file():
        raise click.UsageError(f"{audience} is not there; name a file of recipients")
    if out.suffix not in WRITTEN:
        raise click.UsageError(f"{out} has no ending that tells what to write; use one of {', '.join(WRITTEN)}")
    asked = Campaign(audience=audience, template=template, out=out)
    with chosen.homing() as homing, click.progressbar(length=STEPS, label=audience.name, file=sys.stderr) as bar:
        summary = run(homing, asked, lambda done: bar.update(int(done * STEPS) - bar.pos))
    if as_json:
        emit_json(summary)
        return
    told = ", ".join(f"{number:,} {action}" for action, number in summary.actions.items())
    rejected = "none rejected" if summary.rejects is None else f"{summary.rejected:,} rejected, see {summary.rejects}"
    click.echo(f"{summary.out}: {told}; {rejected}")


def _template(body: Path | None, options: dict[str, str | None], *, best: bool) -> dict[str, Any]:
    """Give what a campaign's rows need not say: BODY without a recipient, and the options given."""
    if options["namespace"] or options["value"]:
        raise click.UsageError("--namespace and --value name one recipient; a campaign's stand in its file")
    given = {} if body is None else _read(body)
    if not isinstance(given, dict) or not isinstance(given.get("message", {}), dict):
        raise click.UsageError(f"{body} is no question: give a JSON object like that of POST /v1/recommendations")
    named = {"id": options["message_id"], "cart_id": options["cart_id"]}
    template = {**given, "message": {**given.get("message", {}), **{k: v for k, v in named.items() if v}}}
    template |= {"abandoned_at": options["abandoned_at"]} if options["abandoned_at"] else {}
    return template | ({"explore": False} if best else {})


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
