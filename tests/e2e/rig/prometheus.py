"""A real Prometheus that scrapes a real Larder."""

import json

import requests

from rig.processes import Process, free_port
from rig.waiting import eventually


class Prometheus:
    def __init__(self, target, logs, tmp_path, rule_files=()):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = tmp_path / "prometheus.yml"
        config.write_text(json.dumps({  # which is YAML
            "global": {"scrape_interval": "500ms", "evaluation_interval": "1s"},
            "rule_files": [str(file) for file in rule_files],
            "scrape_configs": [{"job_name": "larder", "static_configs": [{"targets": [target]}]}]}))
        self._process = Process(
            "prometheus", ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                           f"--web.listen-address=127.0.0.1:{self.port}"],
            log=logs / f"prometheus-{self.port}.log")
        self._process.wait_until(self._is_ready, "is ready", within=30)

    def _is_ready(self):
        try:
            return requests.get(self.url + "/-/ready", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def ask(self, path, **parameters):
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10)
        assert answer.status_code == 200, f"{parameters}: {answer.text}"
        return answer.json()["data"]

    def query(self, expression):
        """The values that the expression has now, with their labels."""
        return self.ask("query", query=expression)["result"]

    def eventually_says(self, expression, what):
        return eventually(lambda: self.query(expression), what, within=30, every=0.1)

    def stop(self):
        self._process.stop()
