"""A certificate authority of its own, in a folder of the test's."""

import subprocess
from pathlib import Path

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Certificates:
    def __init__(self, folder):
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.ca, self._ca_key = self._folder / "ca.pem", self._folder / "ca.key"
        self._openssl("req", "-x509", *_KEY, "-days", "2", "-subj", "/CN=ca of the tests",
                      "-keyout", self._ca_key, "-out", self.ca)

    def make(self, name, alternatives):
        """Signed by the CA for names such as "DNS:localhost,IP:127.0.0.1"; the files (pem, key)."""
        pem, key, request = (self._folder / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        self._openssl("req", *_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request,
                      "-addext", f"subjectAltName={alternatives}")
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._ca_key, "-CAcreateserial",
                      "-days", "2", "-out", pem, "-copy_extensions", "copy")
        return pem, key

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"openssl {arguments[0]} failed: {done.stderr}"
