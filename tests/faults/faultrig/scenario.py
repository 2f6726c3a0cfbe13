"""Scenarios by name, and playing one."""

import asyncio
import gc
import traceback

from faultrig.report import Report
from faultrig.stage import Stage

SCENARIOS = {}
LONGEST = {"quick": 80, "long": 200}  # seconds; what takes longer hangs


class NotPossibleHere(Exception):
    """The machine does not let the fault be made; the scenario was not played."""


def scenario(name):
    """Registers `async def play(stage, report)`. Its docstring is procedure and criterion; line one is the title."""
    def register(play):
        SCENARIOS[name] = play
        return play
    return register


def play(name, scale, seed, folder, redis):
    """Its Report. A scenario that raises has failed; NotPossibleHere is the caller's."""
    report = Report(name, SCENARIOS[name].__doc__.splitlines()[0])
    redis.make_new()
    while folder.exists():  # the logs of an earlier play stay
        folder = folder.with_name(folder.name + "_")
    folder.mkdir(parents=True)
    gc.disable()  # a pause of the load's own would count as Larder's
    try:
        asyncio.run(_play(name, scale, seed, folder, redis, report))
    except NotPossibleHere:
        raise
    except Exception as error:  # noqa: BLE001  (it is the scenario's verdict)
        report.held("the scenario came to its end", False,
                    f"{error!r}\n{''.join(traceback.format_tb(error.__traceback__)[-3:])}")
    finally:
        gc.enable()
    return report


async def _play(name, scale, seed, folder, redis, report):
    async with asyncio.timeout(LONGEST[scale.name]):
        async with Stage(scale, seed, folder, redis, report) as stage:
            await SCENARIOS[name](stage, report)
