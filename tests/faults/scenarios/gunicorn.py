"""U5 and U6: real gunicorn (gevent workers, as in production) restarts its workers and closes idle connections."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

from faultrig.client import Connection, get, now
from faultrig.load import GETS
from faultrig.scenario import scenario
from rig.processes import accepts, free_port
from scenarios.origin import hits_unaffected

FOLDER = Path(__file__).resolve().parents[1]


async def start_gunicorn(stage, *options):
    """(its process, its URL, the file of POSTs)"""
    port, posts = free_port(), stage.folder / "posts"
    process = await stage.process(
        "gunicorn", ["/usr/bin/python3", "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gevent",
                     "--workers", "3", "--keep-alive", "2", "--chdir", FOLDER, *options, "gunicorn_app:application"],
        env={"PATH": "/usr/bin:/bin", "POSTS": str(posts), "PYTHONDONTWRITEBYTECODE": "1"})
    await stage.until(lambda: accepts(port) and process.log_text().count("Booting worker") >= 3, "gunicorn listens")
    return process, f"http://127.0.0.1:{port}", posts


def reload(process):
    """SIGHUP to the master alone: new workers are started, the old ones end when they have nothing left to do."""
    os.kill(process.pid, signal.SIGHUP)


@scenario("U5")
async def restarting_workers(stage, report):
    """gunicorn's workers come and go: SIGHUP, max_requests, one killed by the worker timeout.

    GETs only, with max_requests 100; SIGHUP; then a POST that stops a whole worker until the master kills it.
    No GET is an error.
    """
    gunicorn, url, _ = await start_gunicorn(stage, "--max-requests", "100", "--max-requests-jitter", "50",
                                            "--timeout", "2", "--graceful-timeout", "5")
    larder = await stage.larder(upstream=url)
    load = stage.load(larder, kinds=GETS)
    await load.warm()
    async with load:
        began = now()
        await stage.calm(load, stage.scale.pick(0.5, 10))
        for _ in range(stage.scale.pick(1, 4)):
            booted = gunicorn.log_text().count("Booting worker")
            reload(gunicorn)
            await stage.until(lambda: gunicorn.log_text().count("Booting worker") >= booted + 3, "workers are new")
            await stage.calm(load, stage.scale.pick(0.3, 5))
        for _ in range(stage.scale.pick(1, 3)):
            killed = gunicorn.log_text().count("WORKER TIMEOUT")
            stuck = Connection(larder.port)
            post = asyncio.create_task(
                stuck.ask(b"POST /stick/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"))
            await stage.until(lambda: gunicorn.log_text().count("WORKER TIMEOUT") > killed, "a worker is killed", 30)
            answer = await post
            report.held("the POST that stopped the worker is a 502", answer.status == 502, answer)
            stuck.close()
            await stage.calm(load, stage.scale.pick(0.3, 5))
    log = gunicorn.log_text()
    report.saw(f"{log.count('Booting worker')} workers started, {log.count('Autorestarting')} ended by max_requests, "
               f"{log.count('WORKER TIMEOUT')} killed")
    gets = load.between(began)
    report.none(f"no error in {len(gets)} GETs", [record for record in gets if record.answer.is_error])
    hits_unaffected(report, load, began, now())


@scenario("U6")
async def keep_alive_race(stage, report):
    """gunicorn closes idle connections after 2 s; requests come after 1.9 to 2.1 s.

    Many connections, each in turns a GET (which leaves a connection in the pool) and a POST after that pause.
    No GET and no POST is an error, and no POST arrives twice.
    """
    _, url, posts = await start_gunicorn(stage)
    clients, seconds = stage.scale.pick(100, 200), stage.scale.pick(1, 60)
    larder = await stage.larder(upstream=url, connections=clients, origin_idle_timeout="1500ms")
    asked, errors, answered = Counter(), [], []
    began = now()

    async def take_turns(number):
        connection, turn = Connection(larder.port), 0
        while now() - began < seconds:
            turn += 1
            identity = f"{number}-{turn}"
            post = f"POST /act/ HTTP/1.1\r\nHost: localhost\r\nX-Id: {identity}\r\nContent-Length: 0\r\n\r\n".encode()
            for kind, request in (("GET", get(f"/pass/{number}/")), ("POST", post)):
                if kind == "POST":
                    await asyncio.sleep(stage.random.uniform(1.9, 2.1))
                answer = await connection.ask(request)
                asked[kind] += 1
                if answer.is_error or answer.status != 200:
                    errors.append(f"{kind} {identity}: {answer}")
                elif kind == "POST":
                    answered.append(identity)
        connection.close()

    await asyncio.gather(*map(take_turns, range(clients)))
    arrived = Counter(posts.read_text().split())
    report.none(f"no error in {asked['POST']} POSTs and {asked['GET']} GETs", errors)
    report.none("no POST arrived twice", [identity for identity, count in arrived.items() if count > 1])
    report.none("each that was answered arrived", set(answered) - set(arrived))
