#!/usr/bin/env python3
"""Writes JSON lists as the demo backend answers them, for the comparison of content codings.

    tests/bench/json_lists.py FOLDER

Three kinds, each of about 1, 4, 32 and 256 KiB: `seeded`, rows as the demo's seed makes them, which
repeat themselves; `applications`, the same with notes that people might have written; and `events`,
where most of each row is random: UUIDs, microseconds, amounts, absolute URLs. The same bytes on every
machine.
"""

import json
import random
import sys
import uuid
from datetime import datetime, timedelta
from pathlib import Path

SIZES = [1, 4, 32, 256]  # KiB
COMPANIES = ["Acme", "Globex", "Initech", "Umbra", "Müller & Söhne", "Northwind", "Tyrell", "Contoso"]
POSITIONS = ["Backend Engineer", "Data Analyst", "Product Designer", "Site Reliability Engineer", "Technical Writer"]
PLACES = ["Berlin", "Lisbon", "Remote", "Toronto"]
STATUSES = ["saved", "applied", "interview", "offer", "rejected"]
# Enough different words that sentences made of them seldom repeat a phrase.
WORDS = """about after again agreed almost answer asked because before began better between both call
called careful change clear client close code coffee colleague come company contract cover date day
decided deploy design detail draft early email engineer enough ended every example expected experience
feedback few final finished first follow found friendly from good great hard heard helpful hiring home
hours idea important interesting interview invited job kind knows last later learned letter list little
long looked manager many meeting might monday month moved much need never next nice nobody notes offer
office often once open other part people perhaps phone portfolio position prepared project question
quick quiet read really recruiter referred reply report review right role salary same second sent several
short should skills small someone soon spoke start still stories surprised system talk task team tell
test thanks their things think third thought three thursday time today together told took travel tuesday
two until used useful vacation very waiting wanted week well went what when where which while whole
why with without work would write wrote year yesterday""".split()


def sentence(rng):
    words = " ".join(rng.choice(WORDS) for _ in range(rng.randint(6, 16)))
    return words[0].upper() + words[1:] + "."


def seeded(rng, number):
    return {
        "id": number,
        "company": COMPANIES[number % len(COMPANIES)],
        "position": POSITIONS[number % len(POSITIONS)],
        "location": PLACES[number % len(PLACES)],
        "status": STATUSES[number % len(STATUSES)],
        "applied_on": (datetime(2024, 1, 8) + timedelta(days=3 * number)).date().isoformat(),
        "notes": f"Example {number}: how a well kept application looks.",
    }


def application(rng, number):
    return {
        "id": number,
        "company": rng.choice(COMPANIES),
        "position": rng.choice(POSITIONS),
        "location": rng.choice(PLACES),
        "status": rng.choice(STATUSES),
        "applied_on": (datetime(2024, 1, 8) + timedelta(days=rng.randint(0, 500))).date().isoformat(),
        "notes": " ".join(sentence(rng) for _ in range(rng.randint(0, 2))),
    }


def event(rng, number):
    identifier = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return {
        "id": identifier,
        "url": f"https://resumate.example/api/events/{identifier}/",
        "owner": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "kind": rng.choice(STATUSES),
        "amount": f"{rng.uniform(0, 10_000):.2f}",
        "score": rng.random(),
        "created_at": (datetime(2024, 1, 8) + timedelta(seconds=rng.random() * 3e7)).isoformat() + "Z",
        "is_read": rng.random() < 0.5,
    }


def render(rows):
    page = {"count": 5 * len(rows), "next": "http://127.0.0.1:8000/api/example-job-applications/?page=2",
            "previous": None, "results": rows}
    # DRF's own rendering: no space after separators, no \u escapes.
    return json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode()


def main():
    folder = Path(sys.argv[1])
    for kind, make_row in [("seeded", seeded), ("applications", application), ("events", event)]:
        for size in SIZES:
            rng = random.Random(f"{kind} {size}")
            rows = []
            length = 0
            while length < size * 1024:
                rows.append(make_row(rng, len(rows) + 1))
                length += len(render(rows[-1:])) - len(render([])) + 1
            (folder / f"{kind}-{size:03}KiB.json").write_bytes(render(rows))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
