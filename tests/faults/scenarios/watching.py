"""What Redis' scenarios ask of a Larder and of its load."""

import asyncio

import requests

from faultrig import content
from faultrig.client import Connection
from scenarios.origin import ask


async def stats(larder):
    """What /stats says of Redis."""
    answer = await asyncio.to_thread(requests.get, larder.larder.admin_url + "/stats", timeout=5)
    return answer.json()["redis"]


async def usable(larder, expected):
    return ((await stats(larder))["state"] == "in use") == expected


async def readiness(larder):
    """Status and text of /readyz."""
    answer = await asyncio.to_thread(requests.get, larder.larder.admin_url + "/readyz", timeout=5)
    return answer.status_code, answer.text


def log_lines(larder, word=""):
    """What it has said of Redis."""
    return [line for line in larder.larder.process.log_text().splitlines() if "redis: " in line and word in line]


async def hits_again(stage, load, since, report, within=30):
    """Waits for a HIT of a request sent after `since`."""
    await stage.until(lambda: any(r.answer.state == "HIT" for r in load.between(since)), "there are hits again",
                      within)
    first = min(r.sent + r.took for r in load.between(since) if r.answer.state == "HIT")
    report.at_most("seconds until there was a hit again", first - since, 2, " s", judged=stage.scale.judged)


def no_errors(report, load):
    report.none(f"none of {len(load.records)} requests was an error", [r for r in load.records if r.answer.is_error])


async def put(larder, url):
    """One PUT without content on a connection of its own; its answer."""
    connection = Connection(larder.port)
    answer = await connection.ask(
        f"PUT {url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
    connection.close()
    return answer


async def version_of(larder, url):
    """The version of the content that a GET brings."""
    answer, _ = await ask(larder, url)
    return content.judge(answer.body, url).version
