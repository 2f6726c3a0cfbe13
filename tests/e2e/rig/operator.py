"""Whoever runs Larder: its admin listener, with and without the token."""

import requests

from rig.waiting import eventually

TOKEN = "e2e-token-0123456789abcdef"
WITH_TOKEN = {"LARDER_ADMIN_TOKEN": TOKEN}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def post(larder, path, json=None, headers=None, **kwargs):
    return requests.post(larder.admin_url + path, json=json, headers=BEARER if headers is None else headers,
                         timeout=15, **kwargs)


def purge(larder, **what):
    """What it answers, which must be that it was done."""
    answer = post(larder, "/purge", what)
    assert answer.status_code == 200, answer.text
    return answer.json()


def reload(larder):
    return post(larder, "/reload")


def wait_until_all_is_noted(larder):
    """A client may have its answer a moment before it is stored, and what came of it has been counted."""
    def is_quiet():
        now = stats(larder)
        return now["requests_in_flight"] == 0 and now["fills_in_flight"] == 0

    eventually(is_quiet, "no request and no fill is under way")


def stats(larder):
    return requests.get(larder.admin_url + "/stats", timeout=5).json()


def readiness(larder):
    answer = requests.get(larder.admin_url + "/readyz", timeout=5)
    return answer.status_code, answer.text.strip()
