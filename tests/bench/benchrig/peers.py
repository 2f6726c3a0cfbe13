"""What Larder is compared with: each configured by hand to cache what the origin says may be cached, in memory,
on one thread, with whatever log costs it least. A peer that is not installed, or does not start, says so.
"""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from benchrig.servers import Server, pinned
from rig.processes import free_port

HERE = Path(__file__).resolve().parent


class NotHere(Exception):
    """Why a peer cannot be compared on this machine."""


@dataclass(frozen=True)
class Place:
    """Where a server is started: its folder (the caches' is a tmpfs), what stands behind it, its cores."""
    folder: Path
    origin: Server
    redis: Server
    cpus: str  # as taskset takes them; empty: any
    threads: int
    memory_mib: int  # for what is stored
    certificate: tuple | None = None  # its files (pem, key), to speak TLS with


def _need(program, *files):
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise NotHere(f"{program} is not installed")
    for file in files:
        if not os.path.exists(file):
            raise NotHere(f"{file} is not installed")
    return found


def _version(title, *command):
    """The title with the version that the command prints, if it does."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    version = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return f"{title} {version[0]}" if version else title


# --- nginx ---

NGINX = """\
daemon off;
user root;
worker_processes {threads};
pid {folder}/nginx.pid;
error_log stderr warn;
{modules}
events {{ worker_connections 8192; }}
http {{
  access_log {folder}/access.log combined buffer=64k flush=1s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/temp;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 128; keepalive_requests 1000000000; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
{http}
}}
"""

PROXY_CACHE = """\
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=bench:256m max_size=8g inactive=1d use_temp_path=off;
  open_file_cache max=200000 inactive=1d;
  server {{
    listen 127.0.0.1:{port} backlog=4096 {tls};
    location / {{ proxy_pass http://origin; proxy_cache bench; }}
  }}
"""

PASSING_ON = """\
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://origin; proxy_set_header Host $http_host; proxy_set_header Connection ""; }}
  }}
"""

SRCACHE = """\
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      set $bench_key $request_uri;
      srcache_fetch GET /redis $bench_key;
      srcache_store PUT /redis $bench_key;
      srcache_default_expire 1h;
      proxy_pass http://origin;
    }}
    location = /redis {{
      internal;
      content_by_lua_block {{
        local redis = require("nginx.redis"):new()
        if not redis:connect("127.0.0.1", {redis}) then return ngx.exit(502) end
        if ngx.req.get_method() == "PUT" then
          ngx.req.read_body()
          redis:setex(ngx.var.query_string, 3600, ngx.req.get_body_data())
        else
          local stored = redis:get(ngx.var.query_string)
          if stored == ngx.null or not stored then ngx.status = 404 else ngx.print(stored) end
        end
        redis:set_keepalive(60000, 256)
      }}
    }}
  }}
"""


def _start_nginx(name, place, http, modules=""):
    nginx = _need("nginx")
    port = free_port()
    facts = {"folder": place.folder, "port": port, "origin": place.origin.port,
             "redis": place.redis.port if place.redis else 0, "threads": place.threads,
             "tls": "ssl" if place.certificate else ""}
    config = place.folder / f"{name}.conf"
    config.write_text(NGINX.format(http=http.format(**facts), modules=modules, **facts))
    return Server(name, [*pinned(place.cpus), nginx, "-c", config, "-e", "stderr", "-p", place.folder], place.folder,
                  port)


def start_nginx(place):
    if not place.certificate:
        return _start_nginx("nginx", place, PROXY_CACHE)
    pem, key = place.certificate
    tls = f"ssl_certificate {pem};\n  ssl_certificate_key {key};\n  ssl_protocols TLSv1.3;\n"
    return _start_nginx("nginx", place, "  " + tls + PROXY_CACHE)


def start_nginx_passing_on(place):
    """It stores nothing: what a proxy costs that does nothing but be one."""
    return _start_nginx("nginx-passing-on", place, PASSING_ON)


MODULES = "/usr/lib/nginx/modules"
SRCACHE_MODULES = [f"{MODULES}/{name}_module.so" for name in ("ndk_http", "ngx_http_lua", "ngx_http_srcache_filter")]


def start_srcache(place):
    _need("nginx", *SRCACHE_MODULES, "/usr/share/lua/5.1/nginx/redis.lua")
    return _start_nginx("srcache", place, SRCACHE, "".join(f"load_module {file};\n" for file in SRCACHE_MODULES))


# --- HAProxy ---

HAPROXY = """\
global
  nbthread {threads}
  maxconn 8192
ring lines
  format raw
  size 1048576
defaults
  mode http
  log ring@lines local0
  option httplog
  timeout connect 5s
  timeout client 300s
  timeout server 60s
  http-reuse always
cache bench
  total-max-size {memory_mib}
  max-object-size 4000000
  max-age 86400
listen bench
  bind 127.0.0.1:{port}
  http-request cache-use bench
  http-response cache-store bench
  server origin 127.0.0.1:{origin}
"""


def start_haproxy(place):
    haproxy = _need("haproxy")
    port = free_port()
    config = place.folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, origin=place.origin.port, threads=place.threads,
                                     memory_mib=min(place.memory_mib, 4095)))
    return Server("haproxy", [*pinned(place.cpus), haproxy, "-db", "-f", config], place.folder, port)


# --- Varnish ---

def start_varnish(place):
    varnishd = _need("varnishd")
    port = free_port()
    argv = [varnishd, "-F", "-j", "none", "-n", place.folder / "varnish", "-a", f"127.0.0.1:{port}", "-T",
            f"127.0.0.1:{free_port()}", "-b", f"127.0.0.1:{place.origin.port}", "-s", f"malloc,{place.memory_mib}m",
            "-p", "thread_pools=1", "-p", "timeout_idle=300"]
    return Server("varnish", [*pinned(place.cpus), *argv], place.folder, port)


# --- Traffic Server ---

ATS_RECORDS = """\
CONFIG proxy.config.http.server_ports STRING {port}:ip-in=127.0.0.1
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT {threads}
CONFIG proxy.config.cache.ram_cache.size INT {memory}
CONFIG proxy.config.cache.threads_per_disk INT 1
CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 300
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.http.insert_request_via_str INT 0
CONFIG proxy.config.diags.debug.enabled INT 0
"""


def start_trafficserver(place):
    _need("traffic_server")
    port = free_port()
    folder = place.folder / "ats"
    for name in ("etc", "run", "log", "cache"):
        (folder / name).mkdir(parents=True)
    shutil.copytree("/etc/trafficserver", folder / "etc", dirs_exist_ok=True)
    (folder / "etc/records.config").write_text(ATS_RECORDS.format(port=port, threads=place.threads,
                                                                    memory=place.memory_mib << 20))
    (folder / "etc/storage.config").write_text(f"{folder}/cache {place.memory_mib}M\n")
    (folder / "etc/remap.config").write_text(f"map / http://127.0.0.1:{place.origin.port}/\n")
    (folder / "runroot.yaml").write_text(
        "prefix: /usr\nexec_prefix: /usr\nbindir: /usr/bin\nsbindir: /usr/bin\nincludedir: /usr/include\n"
        "libdir: /usr/lib/trafficserver\nlibexecdir: /usr/lib/trafficserver/modules\n"
        f"sysconfdir: {folder}/etc\ndatadir: {folder}/cache\nlocalstatedir: {folder}\nruntimedir: {folder}/run\n"
        f"logdir: {folder}/log\ncachedir: {folder}/cache\n")
    return Server("trafficserver", [*pinned(place.cpus), "traffic_server"], place.folder, port, within=60.0,
                  env={**os.environ, "TS_RUNROOT": str(folder)})


# --- Django ---

def start_django(place):
    """A view that asks django-redis first; one gunicorn worker a thread."""
    gunicorn = _need("gunicorn")
    port = free_port()
    env = {**os.environ, "BENCH_REDIS": f"redis://127.0.0.1:{place.redis.port}/2",
           "BENCH_ORIGIN": str(place.origin.port), "PYTHONDONTWRITEBYTECODE": "1"}
    return Server("django", [*pinned(place.cpus), "/usr/bin/python3", gunicorn, "--bind", f"127.0.0.1:{port}",
                             "--worker-class", "gevent", "--workers", place.threads, "--keep-alive", "300",
                             "--chdir", HERE, "cached_view:application"], place.folder, port, env=env)


@dataclass(frozen=True)
class Peer:
    start: Callable
    version: Callable


PEERS = {
    "nginx": Peer(start_nginx, lambda: _version("nginx", "nginx", "-v")),
    "haproxy": Peer(start_haproxy, lambda: _version("HAProxy", "haproxy", "-v")),
    "varnish": Peer(start_varnish, lambda: _version("Varnish", "varnishd", "-V")),
    "trafficserver": Peer(start_trafficserver, lambda: _version("Traffic Server", "traffic_server", "-V")),
    "srcache": Peer(start_srcache, lambda: _version("nginx", "nginx", "-v") + " with srcache and Lua redis"),
    "django": Peer(start_django, lambda: _version("Django", "/usr/bin/python3", "-m", "django", "--version")
                   + " with django-redis, " + _version("gunicorn", "gunicorn", "--version")),
}


def scratch_folder():
    """On a tmpfs, where nginx and Traffic Server keep what they call disk. The caller removes it."""
    return Path(tempfile.mkdtemp(prefix="larder-bench-", dir="/dev/shm"))
