"""Evicts by POST /purge to the admin listener of each Larder (deploy/operating.md): where there is no
Redis that they share, or Django may not reach it."""

import http.client
import json
from urllib.parse import urlsplit

from .backend import NotEvicted, Refused
from .tags import EVERYTHING

MOST_PURGES = 40  # of one eviction; beyond it everything goes at once (Larder takes 100 in a row)


class AdminBackend:
    """`urls`: of the listeners, all of which must acknowledge. `timeout` (seconds) bounds each answer."""

    def __init__(self, urls, token, timeout):
        self._urls, self._token, self._timeout = urls, token, timeout
        self.name = f"Larder ({', '.join(urls)})"

    def evict(self, tags):
        """Returns when all have acknowledged; NotEvicted, or Refused, says which have not. All are told."""
        failures = []
        for url in self._urls:
            try:
                self._tell(url, purges_of(tags))
            except (NotEvicted, Refused) as failure:
                failures.append(failure)
        if failures:
            may_help = any(isinstance(failure, NotEvicted) for failure in failures)
            raise (NotEvicted if may_help else Refused)("; ".join(map(str, failures)))

    def count(self, tags):
        """(tag, how many responses the memory of each Larder has together), for --dry-run."""
        counts = []
        for tag in sorted(tags):
            answers = [self._tell(url, [{**purge, "dry_run": True}])
                       for url in self._urls for purge in purges_of([tag])]
            counts.append((tag, sum(answer["in_memory"] for one in answers for answer in one)))
        return counts

    def _tell(self, url, purges):
        parts = urlsplit(url)
        make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = make(parts.hostname, parts.port or 9180, timeout=self._timeout)
        try:
            answers, refused = [], None
            for purge in purges:
                try:
                    answers.append(self._ask(connection, parts.path.rstrip("/") + "/purge", purge, url))
                except Refused as refusal:  # of this one alone, such as a rule that is not in force
                    refused = refusal
            if refused:
                raise refused
            return answers
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotEvicted(f"{url}: {type(error).__name__}: {error}") from error
        finally:
            connection.close()

    def _ask(self, connection, path, purge, url):
        connection.request("POST", path, json.dumps(purge),
                           {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            said = f"{url}: {answer.status}: {content[:200].decode(errors='replace').strip()}"
            # A token or a limit may be put right; what is asked may not.
            if answer.status in (401, 403, 408, 429) or answer.status >= 500:
                raise NotEvicted(said)
            raise Refused(said)
        told = json.loads(content)
        if told.get("redis") == "deferred":
            raise NotEvicted(f"{url}: its Redis has not acknowledged it")
        return told


def purges_of(tags):
    """One purge for each tag; a path and what lies below it are one."""
    tags = set(tags)
    if EVERYTHING in tags:
        return [{"all": True}]
    purges = []
    for tag in sorted(tags):
        kind, name = tag[:2], tag[2:]
        if kind == "b:":
            purges.append({"prefix": name})
        elif kind == "p:" and "b:" + name not in tags:
            purges.append({"url": name})
        elif kind == "t:":
            purges.append({"tag": name})
        elif kind == "r:":
            purges.append({"rule": name})
    return purges if len(purges) <= MOST_PURGES else [{"all": True}]
