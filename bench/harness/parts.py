"""The parts of the bench. Each takes the bench's context, measures cell after cell, and leaves samples in
its record; how they are shown is not its business."""

import json
import math
from dataclasses import dataclass, field

from . import measure, process, profiles, servers, workloads
from .clients import BareTimer, Length, Load, Pgbench, Pgtraffic, Raw, Sysbench


@dataclass
class Context:
    """What every part needs."""

    programs: dict  # pgtraffic, pgbench, raw_client, bare_timer, fake_server, micro, and sysbench or None: paths
    scratch: str
    record: measure.Record
    quick: bool = False
    repetitions: int = 5
    skipped: dict = field(default_factory=dict)  # part: why
    client_cpus: list = None  # against the null server
    server_cpus: list = None
    _postgres: object = None

    def __post_init__(self):
        cpus = process.all_cpus()
        if len(cpus) > 1:
            self.client_cpus, self.server_cpus = cpus[:1], cpus[-1:]
        self.ours = Pgtraffic(self.programs["pgtraffic"], self.scratch)
        self.pipelined = Pgtraffic(self.programs["pgtraffic"], self.scratch, "--pipeline", "16")
        self.economy, *self.steps = (Pgtraffic(self.programs["pgtraffic"], self.scratch, "--pacing", step)
                                     for step in ("economy", "1ms", "2ms", "4ms", "16ms"))
        self.warmed = Pgtraffic(self.programs["pgtraffic"], self.scratch, "--warmup", "3")

    def null_server(self):
        return servers.null_server(self.programs["fake_server"], self.server_cpus)

    def pgbench_on_null(self):
        """The select script with the keys that the null server names."""
        statement = workloads.select_statement(self.programs["pgtraffic"]).replace("$1", ":key")
        path = f"{self.scratch}/select-null.sql"
        with open(path, "w", encoding="utf-8") as script:
            script.write(f"\\set key random(1, 1000000)\n{statement};\n")
        return Pgbench(self.programs["pgbench"], {"select": [(path, 1)]})

    def raw(self, highest_key):
        return Raw(self.programs["raw_client"], workloads.select_statement(self.programs["pgtraffic"]), highest_key)

    def at(self, full, quick):
        return quick if self.quick else full


def null(c):
    """Closed loop against a server that answers at once: what the clients themselves can do."""
    with c.null_server() as target:
        clients = [c.ours, c.pgbench_on_null(), c.raw(1000000)]
        for protocol in c.at(("prepared", "extended"), ("prepared",)):
            for connections in c.at((1, 50, 150, 500, 1000, 5000), (1, 150)):
                load = Load(connections, protocol)
                long = c.at(Length(seconds=1), Length(queries_each=max(20, 3000 // connections)))
                short = Length(queries_each=2)
                variants = [c.pipelined] if (protocol, connections) in (("prepared", 50), ("prepared", 150)) else []
                c.record.take_turns(
                    "null", {"protocol": protocol, "connections": connections}, clients + variants, c.repetitions,
                    lambda client: measure.difference(client, target, load, long, short, cpus=c.client_cpus))


# Where server and clients share the cores, the rate of each wanders by a fifth from second to second.
_POSTGRES_LONG = Length(seconds=5)


def real(c, server):
    """Closed loop against PostgreSQL on the same machine; nobody is bound to a core."""
    highest = server.values("SELECT max(order_id) FROM orders")[0]
    scripts = {name: workloads.pgbench_scripts(c.programs["pgtraffic"], server, name, c.scratch)
               for name in ("select", "mixed")}
    pgbench = Pgbench(c.programs["pgbench"], scripts)
    raw = c.raw(highest)
    cells = c.at([("select", "prepared", "unix socket", 150), ("select", "prepared", "unix socket", 500),
                  ("select", "prepared", "TCP", 150), ("select", "prepared", "TCP", 500),
                  ("select", "extended", "unix socket", 150), ("select", "extended", "unix socket", 500),
                  ("mixed", "prepared", "unix socket", 150)],
                 [("select", "prepared", "TCP", 10), ("mixed", "prepared", "unix socket", 10)])
    for workload, protocol, transport, connections in cells:
        load = Load(connections, protocol, workload)
        long = c.at(_POSTGRES_LONG, Length(queries_each=60))
        short = Length(queries_each=5)
        target = server.tcp if transport == "TCP" else server.socket
        clients = [c.ours, pgbench] + ([raw] if workload == "select" else [])
        clients += [c.pipelined] if (workload, protocol) == ("select", "prepared") else []
        c.record.take_turns(
            "real", {"workload": workload, "protocol": protocol, "transport": transport, "connections": connections},
            clients, c.repetitions, lambda client: measure.difference(client, target, load, long, short))


# Targets are read from two of the cells, and one of them is a ratio that wanders by a quarter from turn to turn;
# the others may.
_OPEN_TURNS = {(1000, 150): 1.8, (1000, 1000): 1}


def open_loop(c, server):
    """Queries due by a schedule, against PostgreSQL over a Unix socket."""
    cells = c.at([(rate, connections) for rate in (100, 1000, 10000) for connections in (10, 150, 1000)], [(1000, 10)])
    _open(c, server, "open", server.socket, cells, {c.at((1000, 150), (1000, 10)): c.steps, (1000, 1000): [c.warmed]})


def open_loop_tcp(c, server):
    """The same over TCP, where the kernel tells when an answer came."""
    cells = c.at([(100, 150), (1000, 10), (1000, 150), (1000, 1000), (10000, 10)], [(1000, 10)])
    _open(c, server, "open-tcp", server.tcp, cells, {(1000, 1000): [c.warmed]})


def _open(c, server, part, target, cells, variants):
    """`variants`: of pgtraffic, which have their turns in that cell, too."""
    raw = c.raw(server.values("SELECT max(order_id) FROM orders")[0])
    scripts = {"select": workloads.pgbench_scripts(c.programs["pgtraffic"], server, "select", c.scratch)}
    clients = [c.ours, Pgbench(c.programs["pgbench"], scripts), c.economy, raw, BareTimer(c.programs["bare_timer"])]

    for rate, connections in cells:
        load = Load(connections, rate=rate)
        # pgbench prepares on each connection's first query: in the short run, too, each has one, and time to be
        # answered. So many arrivals of a Poisson process take more than a tenth and half a second longer next to never.
        first_queries_s = max(0, math.ceil(1.1 * connections / rate + 0.5) - 1)
        long = c.at(Length(seconds=8 + first_queries_s), Length(queries_each=60))
        short = c.at(Length(seconds=1 + first_queries_s), Length(queries_each=10))
        c.record.take_turns(part, {"rate": rate, "connections": connections},
                            clients + variants.get((rate, connections), []),
                            math.ceil(c.repetitions * _OPEN_TURNS.get((rate, connections), 0.6)),
                            lambda client: measure.difference(client, target, load, long, short))


def tls(c, server):
    """The same over TLS: closed and open loop, and the system calls of a query."""
    if not server.tls:
        c.skipped["tls"] = "openssl, which makes the certificate, is not installed"
        return
    scripts = {"select": workloads.pgbench_scripts(c.programs["pgtraffic"], server, "select", c.scratch)}
    clients = [c.ours, Pgbench(c.programs["pgbench"], scripts)]
    connections = c.at(150, 10)
    for rate in (0, 1000):
        load = Load(connections, rate=rate)
        long = c.at(Length(seconds=8) if rate else _POSTGRES_LONG, Length(queries_each=60))
        short = c.at(Length(seconds=1), Length(queries_each=10)) if rate else Length(queries_each=5)
        c.record.take_turns("tls", {"rate": rate, "connections": connections}, clients, c.repetitions,
                            lambda client: measure.difference(client, server.tls, load, long, short))
    if not profiles.available("strace"):
        c.skipped["tls (system calls)"] = "strace is not installed"
        return
    few, more = c.at((10, 60), (10, 20))
    load = Load(connections)

    def count_calls(client):
        runs = [profiles.strace(client, server.tls, load, Length(each), c.scratch) for each in (few, more)]
        return {"calls": profiles.per_query(*runs, (more - few) * connections)}

    c.record.take_turns("tls", {"counted": "system calls", "connections": connections}, clients, 1, count_calls)


def peers(c, server):
    """The select beside sysbench, which has a thread for each connection."""
    if not c.programs["sysbench"]:
        c.skipped["peers"] = "sysbench is not installed"
        return
    highest = server.values("SELECT max(order_id) FROM orders")[0]
    scripts = {"select": workloads.pgbench_scripts(c.programs["pgtraffic"], server, "select", c.scratch)}
    clients = [c.ours, Pgbench(c.programs["pgbench"], scripts),
               Sysbench(c.programs["sysbench"], workloads.sysbench_script(c.programs["pgtraffic"], highest, c.scratch))]

    def measure_cell(name, target, connections, long, rate=0, **how):
        load = Load(connections, rate=rate)
        short = c.at(Length(seconds=1), Length(queries_each=10)) if rate else Length(queries_each=5)
        c.record.take_turns("peers", {"server": name, "rate": rate, "connections": connections}, clients, c.repetitions,
                            lambda client: measure.difference(client, target, load, long, short, **how))

    with c.null_server() as target:
        for connections in c.at((50, 150, 500), (10,)):
            measure_cell("null server", target, connections, c.at(Length(seconds=1), Length(queries_each=100)),
                         cpus=c.client_cpus, watch_memory=True)
    for connections in c.at((150, 500), (10,)):
        measure_cell("PostgreSQL", server.socket, connections, c.at(_POSTGRES_LONG, Length(queries_each=60)))
    measure_cell("PostgreSQL", server.socket, c.at(150, 10), c.at(Length(seconds=8), Length(queries_each=60)), rate=1000)


def cost(c):
    """Instructions, allocations and system calls a query, against the null server."""
    connections = c.at(150, 5)
    short, long = c.at((50, 250), (20, 100))
    queries = (long - short) * connections
    load = Load(connections)
    with c.null_server() as target:
        clients = [c.ours, c.pgbench_on_null(), c.raw(1000000)]
        how = {"cpus": c.client_cpus}

        def count_instructions(client):
            runs = [profiles.callgrind(client, target, load, Length(each), c.scratch, **how) for each in (short, long)]
            instructions, allocations = (profiles.per_query(*pair, queries) for pair in zip(*runs))
            return {"instructions": instructions, "allocations": allocations}

        def count_calls(client):
            runs = [profiles.strace(client, target, load, Length(each), c.scratch, **how) for each in (short, long)]
            return {"calls": profiles.per_query(*runs, queries)}

        for program, count, what in (("valgrind", count_instructions, "instructions and allocations"),
                                     ("strace", count_calls, "system calls")):
            if profiles.available(program):
                c.record.take_turns("cost", {"counted": what, "connections": connections}, clients, 1, count)
            else:
                c.skipped[f"cost ({what})"] = f"{program} is not installed"


def growth(c):
    """What another connection and another second of run cost, and how long connecting takes."""
    one_each = Length(queries_each=1)
    with c.null_server() as target:
        clients = [c.ours, c.pgbench_on_null()]

        def sample_of(client):
            return measure.difference(client, target, load, long, one_each, cpus=c.client_cpus, watch_memory=True)

        for connections in c.at((10, 50, 150, 500, 1000, 2000, 5000), (10, 200)):
            load = Load(connections)
            long = c.at(Length(seconds=1), Length(queries_each=2000 // connections + 50))
            c.record.take_turns("growth", {"connections": connections}, clients, math.ceil(c.repetitions * 0.6),
                                sample_of)
        for seconds in c.at((1, 4, 16), (0.2, 0.4)):
            load = Load(c.at(150, 20))
            c.record.take_turns(
                "length", {"connections": load.connections, "seconds": seconds}, [c.ours], 1,
                lambda client: {"peak_kb": measure.once(client, target, load, Length(seconds=seconds),
                                                        cpus=c.client_cpus, watch_memory=True).peak_kb})
        with servers.slow_proxy(target, 0.010) as far:
            load = Load(c.at(200, 20))
            c.record.take_turns("far", {"round trip ms": 20, "connections": load.connections}, clients,
                                c.at(3, 1), lambda client: {"wall_s": measure.once(client, far, load, one_each).wall_s})


def micro(c):
    """Google Benchmark's own repetitions."""
    try:
        ended = process.run(
            [c.programs["micro"], "--benchmark_format=json", f"--benchmark_repetitions={c.at(5, 1)}",
             f"--benchmark_min_time={c.at(0.1, 0.005)}"])
    except process.Failed as problem:
        c.record.failures.append({"part": "micro", "cell": {}, "client": "pgtraffic", "problem": str(problem)})
        return
    for entry in json.loads(ended.stdout)["benchmarks"]:
        if entry["run_type"] == "iteration":
            c.record.add("micro", {"bench": entry["run_name"]}, "pgtraffic", entry["repetition_index"],
                         {"cpu_ns": entry["cpu_time"]})


# In the order in which they are shown.
ALL = ("null", "real", "open", "open-tcp", "tls", "peers", "cost", "growth", "micro")

# Under which names a part's samples are recorded, where not under its own alone.
RECORDED = {"growth": ("growth", "length", "far")}


def run(c, names):
    """Yields each part's name once it is measured."""
    for name, part in (("null", null), ("cost", cost), ("growth", growth), ("micro", micro)):
        if name in names:
            part(c)
            yield name
    if not {"real", "open", "open-tcp", "tls", "peers"} & set(names):
        return
    try:
        with servers.postgres(c.programs["pgtraffic"]) as server:
            for name, part in (("real", real), ("open", open_loop), ("open-tcp", open_loop_tcp), ("tls", tls),
                               ("peers", peers)):
                if name in names:
                    part(c, server)
                    yield name
    except FileNotFoundError as problem:
        raise process.Failed(str(problem)) from problem
