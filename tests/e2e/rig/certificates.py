"""Certificates of a CA of their own, made with the openssl command."""

import subprocess
from pathlib import Path

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Certificates:
    """`ca` is the CA's certificate, for those who are to trust the others."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self.ca = self._folder / "ca.pem"
        self._openssl("req", "-x509", *CURVE, "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem")

    def make(self, name, alternatives="DNS:localhost,IP:127.0.0.1"):
        """A certificate for the names given ("DNS:localhost,IP:127.0.0.1"): (certificate, key)."""
        self._openssl("req", *CURVE, "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-copy_extensions", "copy", "-out", f"{name}.pem")
        return self._folder / f"{name}.pem", self._folder / f"{name}.key"

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True, timeout=30)
