"""A real nginx with deploy/nginx/larder.conf as it stands, but for ports and files."""

import re

from rig.larder import REPOSITORY
from rig.processes import Process, accepts, free_port

FOLDER = REPOSITORY / "deploy" / "nginx"

AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 2;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/larder.conf;
}}
"""


class Nginx:
    def __init__(self, folder, replicas, certificate, key):
        """`replicas`: the ports of Larders on 127.0.0.1."""
        folder.mkdir()
        self.port, self.http_port = free_port(), free_port()
        self.url, self.http_url = f"https://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.http_port}"
        shipped = (FOLDER / "larder-replicas.conf").read_text()
        line = next(line for line in shipped.splitlines() if line.startswith("server "))
        (folder / "replicas.conf").write_text(
            "".join(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", line) + "\n" for port in replicas))
        text = (FOLDER / "larder.conf").read_text()
        for shipped, here in {
            "listen 80;": f"listen 127.0.0.1:{self.http_port};",
            "listen 443 ": f"listen 127.0.0.1:{self.port} ",
            "/etc/nginx/larder-replicas.conf": str(folder / "replicas.conf"),
            "/etc/letsencrypt/live/resumate.example/fullchain.pem": str(certificate),
            "/etc/letsencrypt/live/resumate.example/privkey.pem": str(key),
        }.items():
            assert text.count(shipped) == 1, f"deploy/nginx/larder.conf has changed: {shipped}"
            text = text.replace(shipped, here)
        (folder / "larder.conf").write_text(text)
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
        self.process = Process("nginx", ["nginx", "-p", folder, "-c", folder / "nginx.conf"], log=folder / "nginx.log")
        self.process.wait_until(lambda: accepts(self.port), "accepts connections")

    def stop(self):
        self.process.stop()
