"""The clients: pgtraffic, pgbench, sysbench, the raw socket, and the timer that has no server at all. Each knows how to
be told the same load and how its own report reads. What a run cost is not asked of them but measured
(process.py). A command that is `bare` writes no report file, whose length would depend on the run's."""

import json
import math
import os
import re
from dataclasses import dataclass, field

from . import process


@dataclass(frozen=True)
class Load:
    connections: int
    protocol: str = "prepared"
    workload: str = "select"
    rate: float = 0  # queries due a second; 0: closed loop


@dataclass(frozen=True)
class Length:
    """Of a run: `seconds`, or else so many queries on each connection."""

    queries_each: int = 0
    seconds: float = 0
    connecting_s: float = 0  # what connecting takes, for a client on whose clock it is


@dataclass
class Run:
    """What one run reported and cost."""

    queries: int
    in_time: float  # of these, those that were answered within `seconds`
    seconds: float  # from the first query on, as the client reports it
    cpu_s: float
    wall_s: float
    peak_kb: int
    lag_ms: dict = field(default_factory=dict)  # open loop: mean, max, and p50, p99 where known
    attained: float | None = None  # open loop: share of what was due that was started, where known
    connecting_s: float = 0  # for a client on whose clock it is, as it reports it
    server_cpu_s: float = 0  # where the server is a single process


class Pgtraffic:
    connects_on_the_clock = False

    def __init__(self, binary, scratch, *options):
        """`options`: of a variant that is measured beside the plain one; they are part of its name."""
        self.name = " ".join(("pgtraffic", *options))
        self._options = list(options)
        self._binary = binary
        self._json = os.path.join(scratch, "pgtraffic.json")

    def command(self, target, load, length, bare=False):
        # No fixed seed, here or below: a seed used twice on one database inserts the same numbers twice.
        argv = [self._binary, "run", "-d", target.conninfo, "--query-type", load.workload, "-M", load.protocol,
                "-c", str(load.connections), "--disable-logging"]
        # pgbench has none, so it is on only where it is what is measured.
        argv += [] if "--warmup" in self._options else ["--warmup", "0"]
        argv += ["--rate", str(load.rate)] if load.rate else []
        argv += self._options
        argv += [] if bare else ["--json", self._json]
        if length.seconds:
            return argv + ["--duration", f"{round(length.seconds * 1000)}ms"]
        # Whoever reads no report hears of a failure by the exit status. The duration is out of reach: it is the harness
        # that ends a run that went wrong.
        return argv + ["--duration", "1h", "--threshold", "failed_ratio<=0",
                       "--total-queries", str(length.queries_each * load.connections)]

    def result(self):
        with open(self._json, encoding="utf-8") as file:
            return json.load(file)

    def read(self, ended):
        result = self.result()
        summary = result["summary"]
        counts = summary["queries"]
        if counts["failed"] or counts["timed_out"]:
            raise process.Failed(f"pgtraffic: {counts['failed']} queries failed")
        # What was under way at the end is answered, and costs, but its time is not in the run's.
        in_time = summary["throughput_per_s"] * summary["duration_s"]
        return Run(counts["ok"] + counts["empty"], in_time, summary["duration_s"], ended.cpu_s, ended.wall_s,
                   ended.peak_kb, summary.get("lag_ms") or {}, summary.get("target_attainment_ratio"))


def _number(ended, pattern):
    """The first one that a report shows in this place, or 0."""
    found = re.search(pattern, ended.stdout)
    return float(found[1]) if found else 0.0


class Pgbench:
    name = "pgbench"
    connects_on_the_clock = True  # -T begins before the first connection; whole seconds only

    def __init__(self, binary, scripts):
        """`scripts`: {workload: [(path, weight)]}."""
        self._binary = binary
        self._scripts = scripts

    def command(self, target, load, length, bare=False):
        del bare
        argv = [self._binary, "-n", "-M", load.protocol, "-c", str(load.connections), "-j", "1"]
        for path, weight in self._scripts[load.workload]:
            argv += ["-f", f"{path}@{weight}"]
        argv += ["-R", str(load.rate)] if load.rate else []
        seconds = max(1, math.ceil(length.seconds + length.connecting_s))
        argv += ["-T", str(seconds)] if length.seconds else ["-t", str(length.queries_each)]
        return argv + [target.conninfo]

    @staticmethod
    def read(ended):
        queries = int(_number(ended, r"actually processed: (\d+)"))
        per_s = _number(ended, r"tps = ([\d.]+)")
        if not queries or not per_s:  # and not how long it took to connect, which was all of its time
            return Run(0, 0, 0, ended.cpu_s, ended.wall_s, ended.peak_kb, connecting_s=ended.wall_s)
        if _number(ended, r"number of failed transactions: (\d+)"):
            raise process.Failed("pgbench: queries failed")
        lag = re.search(r"schedule lag: avg ([\d.]+) \(max ([\d.]+)\) ms", ended.stdout)
        return Run(queries, queries, queries / per_s, ended.cpu_s, ended.wall_s, ended.peak_kb,
                   {"mean": float(lag[1]), "max": float(lag[2])} if lag else {},
                   connecting_s=_number(ended, r"initial connection time = ([\d.]+) ms") / 1000)


class Sysbench:
    """Knows one workload, `script`, on prepared statements. It connects before its clock starts."""

    name = "sysbench"
    connects_on_the_clock = False

    def __init__(self, binary, script):
        self._binary = binary
        self._script = script

    def command(self, target, load, length, bare=False):
        del bare
        argv = [self._binary, "--db-driver=pgsql", f"--pgsql-host={target.host}", f"--pgsql-port={target.port}",
                f"--pgsql-user={target.user}", f"--pgsql-db={target.database}", f"--threads={load.connections}",
                f"--rate={load.rate}"]
        # Whole seconds, and 10 of them where nothing is said.
        argv += ([f"--time={math.ceil(length.seconds)}"] if length.seconds
                 else ["--time=0", f"--events={length.queries_each * load.connections}"])
        return argv + [self._script, "run"]

    @staticmethod
    def read(ended):
        queries = int(_number(ended, r"total number of events: +(\d+)"))
        seconds = _number(ended, r"total time: +([\d.]+)s")
        if not queries or not seconds:
            raise process.Failed("sysbench: no query was answered in time")
        if _number(ended, r"ignored errors: +(\d+)"):
            raise process.Failed("sysbench: queries failed")
        return Run(queries, queries, seconds, ended.cpu_s, ended.wall_s, ended.peak_kb)


class Raw:
    name = "raw socket"
    connects_on_the_clock = False

    def __init__(self, binary, select, highest_key):
        self._binary = binary
        self._select = select
        self._highest_key = highest_key

    def command(self, target, load, length, bare=False):
        del bare
        kind, amount = (("seconds", length.seconds) if length.seconds
                        else ("queries", length.queries_each * load.connections))
        return [self._binary, target.host, str(target.port), target.user, target.database,
                str(load.connections), load.protocol, kind, str(amount), "1", str(self._highest_key), self._select,
                *([str(load.rate)] if load.rate else [])]

    @staticmethod
    def read(ended):
        told = json.loads(ended.stdout)
        return Run(told["queries"], told["queries"], told["seconds"], ended.cpu_s, ended.wall_s, ended.peak_kb,
                   told.get("lag_ms", {}))


class BareTimer:
    """Wakes when a query would be due, and does nothing: how late the machine wakes whoever sleeps."""

    name = "bare timer"
    connects_on_the_clock = False

    def __init__(self, binary):
        self._binary = binary

    def command(self, target, load, length, bare=False):
        del target, bare
        return [self._binary, str(load.rate), str(length.seconds or length.queries_each * load.connections / load.rate)]

    @staticmethod
    def read(ended):
        told = json.loads(ended.stdout)
        return Run(told["times"], told["times"], told["seconds"], ended.cpu_s, ended.wall_s, ended.peak_kb,
                   told.get("lag_ms", {}))
