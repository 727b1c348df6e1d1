"""What pgtraffic is held to, against what was measured. A target whose figure was not measured is not shown."""

from . import tables
from .tables import ECONOMY, OURS, PGBENCH, PIPELINED, RAW, WARMED


def _real(connections):
    return {"workload": "select", "protocol": "prepared", "transport": "unix socket", "connections": connections}


def _figures(record):
    """(what, measured, limit, whether a smaller figure is better, digits)."""
    def median(spread):
        return spread.median if spread else None

    for n in (150, 500):
        yield (f"closed loop, {n} connections: queries/s to pgbench",
               median(record.ratio("real", _real(n), OURS, PGBENCH, "per_s")), 1.2, False, 2)
        yield (f"closed loop, {n} connections: CPU a query to pgbench",
               median(record.ratio("real", _real(n), OURS, PGBENCH, "cpu_us")), 0.8 if n == 150 else 0.85, True, 2)
        yield (f"closed loop, {n} connections: CPU a query to the raw socket",
               median(record.ratio("real", _real(n), OURS, RAW, "cpu_us")), 1.3, True, 2)
    yield from _cost_figures(record)
    busy = {"rate": 1000, "connections": 150}
    for part, transport in (("open", "Unix socket"), ("open-tcp", "TCP")):
        yield (f"open loop, 1,000/s, 150 connections, {transport}: CPU a query to pgbench",
               median(record.ratio(part, busy, OURS, PGBENCH, "cpu_us")), 0.5, True, 2)
        yield ("the same with --pacing economy", median(record.ratio(part, busy, ECONOMY, PGBENCH, "cpu_us")), 0.35, True, 2)
        yield ("mean lag to pgbench, precise pacing", median(record.ratio(part, busy, OURS, PGBENCH, "lag_mean_ms")), 0.5, True, 2)
    crowd = {"rate": 1000, "connections": 1000}
    for part, transport in (("open", "Unix socket"), ("open-tcp", "TCP")):
        yield (f"open loop, 1,000/s, 1,000 connections, {transport}: started of what was due, %",
               _started_percent(record.spread(part, crowd, OURS, "not_started")), 99.9, False, 2)
        for client, how in ((OURS, "no warm-up, as pgbench"), (WARMED, "behind a warm-up of 3 s")):
            lags = [lag["p99"] for lag in record.values(part, crowd, client, "lag_ms").values() if "p99" in lag]
            yield (f"the same: p99 of lag, ms, {how}", median(tables.Spread.of(lags)), 1.0, True, 2)
    yield "resident kB a connection", tables.resident_kb_each(record, OURS), 24, True, 1
    few, many = ({"protocol": "prepared", "connections": n} for n in (150, 5000))
    costs = [median(record.spread("null", cell, OURS, "cpu_us")) for cell in (few, many)]
    yield ("null server: CPU a query with 5,000 connections to that with 150",
           costs[1] / costs[0] if all(costs) else None, 2, True, 2)
    yield ("--pipeline 16, 150 connections: CPU a query to one at a time",
           median(record.ratio("real", _real(150), PIPELINED, OURS, "cpu_us")), 0.5, True, 2)
    yield ("200 sessions over 20 ms round trips: time to pgbench's",
           median(record.ratio("far", {"round trip ms": 20, "connections": 200}, OURS, PGBENCH, "wall_s")), 0.05, True, 3)


def _started_percent(not_started):
    return 100 * (1 - not_started.median) if not_started else None


def _cost_figures(record):
    cell = {"counted": "instructions and allocations", "connections": 150}
    ours, theirs = (record.values("cost", cell, client, "instructions").get(0) for client in (OURS, PGBENCH))
    if ours and theirs:
        yield "instructions a query to pgbench", sum(ours.values()) / sum(theirs.values()), 0.75, True, 2
        outside = sum(n for name, n in ours.items() if name not in ("libpq", "libc", "libuv"))
        yield "instructions a query outside libpq, libc and libuv", outside, 500, True, 0
        allocations = record.values("cost", cell, OURS, "allocations")[0]
        # The time series allocates once a second, and seconds are long under valgrind.
        yield "allocations of our own a query", allocations.get("own", 0.0), 0.01, True, 2
    calls = record.values("cost", {"counted": "system calls", "connections": 150}, OURS, "calls").get(0)
    yield "system calls a query", sum(calls.values()) if calls else None, 2.05, True, 3


def markdown(record):
    rows = []
    for what, measured, limit, smaller, digits in _figures(record):
        if measured is None:
            continue
        met = measured <= limit if smaller else measured >= limit
        sign = "at most" if smaller else "at least"
        while round(measured, digits) == limit != measured and digits < 6:
            digits += 1  # on which side of the limit it is
        rows.append([what, f"{measured:,.{digits}f}", f"{sign} {limit:g}", "yes" if met else "no"])
    return tables.table(["", "measured", "target", "met"], rows)
