"""How the peers' settings were found, on shops of their own: `python -m benchmarks.select_tuning`."""

from itertools import product

import click

from benchmarks.selecting import FEW, TUNING_SEED, Plan
from benchmarks.vw import VowpalPlayer
from channel_selector.simulate.play import play

RATES = (0.1, 0.5, 1.0, 2.0)
POLICIES = (
    "--squarecb --gamma_scale 100",
    "--squarecb --gamma_scale 300",
    "--squarecb --gamma_scale 1000",
    "--squarecb --gamma_scale 10000",
    "--epsilon 0.0",
    "--bag 5",
)


@click.command()
@click.option("--customers", default=3_000, show_default=True)
@click.option("--rounds", default=FEW, show_default=True)
@click.option("--shops", default=2, show_default=True)
def main(customers: int, rounds: int, shops: int) -> None:
    """Print the gap that each of Vowpal Wabbit's policies closes at each learning rate."""
    plan = Plan(customers=customers, rounds=rounds, seeds=shops)
    for policy, rate in product(POLICIES, RATES):
        settings = f"{policy} -l {rate}"
        made = [plan.shop(TUNING_SEED + number) for number in range(shops)]
        gaps = [play(shop, VowpalPlayer(shop, settings)).gap for shop in made]
        click.echo(f"{settings}: {100 * sum(gaps) / len(gaps):.1f}")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.select_tuning")
