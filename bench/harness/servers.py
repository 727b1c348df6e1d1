"""The servers that clients are measured against: a null server that answers at once from a core of its own,
a temporary PostgreSQL, and a proxy that makes round trips long. Each is a context manager that leaves
nothing behind."""

import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace

from . import process

MAX_CONNECTIONS = 1100


@dataclass(frozen=True)
class Target:
    """Where to connect, in the words of every client. `host` is a directory for a Unix socket."""

    host: str
    port: int
    user: str = "bench"
    database: str = "postgres"
    pid: int = 0  # of the server where it is a single process
    sslmode: str = "disable"

    @property
    def conninfo(self):
        return (f"host={self.host} port={self.port} user={self.user} dbname={self.database} "
                f"sslmode={self.sslmode} gssencmode=disable")


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def _program(argv, cpus=None, user=None, stop=signal.SIGTERM, **popen):
    """A program that runs until the block ends; `stop` ends it then, or when this process is gone."""

    def prepare():
        process.die_with_parent(stop)
        if cpus:
            os.sched_setaffinity(0, cpus)

    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, env=process.environment(), preexec_fn=prepare,
                             **identity, **popen)
    try:
        yield child
    finally:
        child.send_signal(stop)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout:
            child.stdout.close()


def _wait_ready(child, name):
    line = child.stdout.readline()
    if not line.startswith("ready"):
        raise process.Failed(f"{name} did not start")
    return int(line.split()[1])


@contextlib.contextmanager
def null_server(binary, cpus=None):
    with tempfile.TemporaryDirectory(prefix="pgtraffic-bench-") as directory:
        argv = [binary, "--socket", f"{directory}/.s.PGSQL.5432"]
        with _program(argv, cpus, stdout=subprocess.PIPE, text=True) as child:
            _wait_ready(child, "the null server")
            yield Target(directory, 5432, pid=child.pid)


@contextlib.contextmanager
def slow_proxy(target, one_way_s):
    """In front of a server on a Unix socket; every byte is late by `one_way_s` in each direction."""
    argv = [sys.executable, os.path.join(os.path.dirname(__file__), "slow_proxy.py"),
            f"{target.host}/.s.PGSQL.{target.port}", str(one_way_s)]
    with _program(argv, stdout=subprocess.PIPE, text=True) as child:
        yield Target("127.0.0.1", _wait_ready(child, "the slow proxy"), target.user, target.database)


def server_programs():
    """The folder with initdb and postgres of the newest version."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"),
                   key=lambda path: [int(n) for n in re.findall(r"\d+", path)])
    path = found[-1] if found else shutil.which("postgres")
    if not path:
        raise process.Failed("no PostgreSQL server is installed (Debian: postgresql)")
    return os.path.dirname(path)


class Postgres:
    """A temporary cluster with the data of `pgtraffic init`. Crash safety is off: commits that wait for a
    disk would measure the disk."""

    SETTINGS = {
        "max_connections": MAX_CONNECTIONS, "shared_buffers": "256MB", "fsync": "off",
        "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "4GB",
        "checkpoint_timeout": "1h", "listen_addresses": "127.0.0.1", "logging_collector": "off",
    }

    def __init__(self, socket_target, tcp_target, tls_target, psql):
        self.socket = socket_target
        self.tcp = tcp_target
        self.tls = tls_target  # None where there is no certificate
        self._psql = psql

    def values(self, sql):
        """The first column of the answer."""
        argv = [self._psql, "-XAtq", "-F", "\t", "-c", sql, self.socket.conninfo]
        return [line.split("\t")[0] for line in process.run(argv).stdout.splitlines()]


@contextlib.contextmanager
def postgres(pgtraffic):
    programs = server_programs()
    user = None
    if os.geteuid() == 0:
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            user = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="pgtraffic-bench-") as directory:
        if user:
            os.chown(directory, user.pw_uid, user.pw_gid)
        os.chmod(directory, 0o755)
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        made = subprocess.run(
            [f"{programs}/initdb", "-D", f"{directory}/data", "-U", "bench", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=directory,
            env=process.environment(), check=False, **identity)
        if made.returncode != 0:
            raise process.Failed("initdb: " + made.stderr.strip())
        port = _free_port()
        with_tls = _make_certificate(f"{directory}/data", identity)
        argv = [f"{programs}/postgres", "-D", f"{directory}/data", "-k", directory, "-p", str(port)]
        for name, value in (Postgres.SETTINGS | {"ssl": "on" if with_tls else "off"}).items():
            argv += ["-c", f"{name}={value}"]
        with open(f"{directory}/log", "w+", encoding="utf-8", errors="replace") as log:
            # SIGINT is the shutdown that does not wait for clients.
            with _program(argv, user=user, stop=signal.SIGINT, cwd=directory, stdout=log,
                          stderr=subprocess.STDOUT) as child:
                _wait_accepting(child, programs, directory, port, log)
                tcp = Target("127.0.0.1", port)
                server = Postgres(Target(directory, port), tcp, replace(tcp, sslmode="require") if with_tls else None,
                                  f"{programs}/psql")
                process.run([pgtraffic, "init", "-d", server.socket.conninfo])
                server.values("VACUUM ANALYZE")
                yield server


def _make_certificate(data, identity):
    """Whether there is one, in the server's own folder: openssl makes it."""
    if not shutil.which("openssl"):
        return False
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", f"{data}/server.key", "-out", f"{data}/server.crt"],
        stdin=subprocess.DEVNULL, capture_output=True, cwd=data, check=False, **identity)
    return made.returncode == 0


def _wait_accepting(child, programs, directory, port, log):
    for _ in range(300):
        if child.poll() is not None:
            log.seek(0)
            raise process.Failed("postgres: " + log.read().strip())
        try:
            process.run([f"{programs}/pg_isready", "-q", "-h", directory, "-p", str(port)])
            return
        except process.Failed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0.1)
    raise process.Failed("the temporary PostgreSQL does not accept connections")
