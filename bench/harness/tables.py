"""The samples as Markdown. A figure is the median of its samples; a ratio stands with its lowest and highest."""

import math

from .measure import Spread

OURS, PGBENCH, RAW, TIMER, SYSBENCH = "pgtraffic", "pgbench", "raw socket", "bare timer", "sysbench"
PIPELINED, ECONOMY, WARMED = "pgtraffic --pipeline 16", "pgtraffic --pacing economy", "pgtraffic --warmup 3"
STEPS = {"precise": OURS, "1 ms": "pgtraffic --pacing 1ms", "2 ms": "pgtraffic --pacing 2ms", "4 ms": "pgtraffic --pacing 4ms",
         "8 ms (economy)": ECONOMY, "16 ms": "pgtraffic --pacing 16ms"}
NONE = "-"


def table(head, rows):
    """Nothing without rows. The first column is text, the others are numbers."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def count(spread):
    return f"{spread.median:z,.0f}" if spread else NONE


def decimal(spread, digits=2):
    return f"{spread.median:,.{digits}f}" if spread else NONE


def ratio(spread):
    if not spread:
        return NONE
    if spread.turns == 1:
        return f"{spread.median:.2f} (one turn)"
    turns = "; two turns" if spread.turns == 2 else ""
    return f"{spread.median:.2f} ({spread.low:.2f}-{spread.high:.2f}{turns})".replace("inf", "∞")


def percent(spread):
    return f"{100 * spread.median:.0f} %" if spread else NONE


def _three(record, part, cell_of_row, third=RAW):
    """Throughput and cost of pgtraffic, pgbench and a third client, cell by cell."""
    clients = (OURS, PGBENCH, third)
    rates, costs = [], []
    for cell in record.cells(part):
        first = cell_of_row(cell)

        def of(client, figure, cell=cell):
            return record.spread(part, cell, client, figure)

        def to(other, figure, cell=cell):
            return ratio(record.ratio(part, cell, OURS, other, figure))

        busy = [percent(of(client, "server_busy")) for client in clients]
        rates.append([first, *(count(of(client, "per_s")) for client in clients),
                      to(PGBENCH, "per_s"), to(third, "per_s")] + ([" / ".join(busy)] if part == "null" else []))
        costs.append([first, *(decimal(of(client, "cpu_us")) for client in clients),
                      to(PGBENCH, "cpu_us"), to(third, "cpu_us")])
    head = ["", *clients, f"to {PGBENCH}", f"to {third}"]
    busy_head = ["server busy with each"] if part == "null" else []
    return ("Queries a second:\n\n" + table(head + busy_head, rates) +
            "\nProcessor time of the client a query, µs:\n\n" + table(head, costs) +
            _pipelined(record, part, cell_of_row))


def _pipelined(record, part, cell_of_row):
    """Sixteen queries under way on a connection against one."""
    rows = []
    for cell in record.cells(part):
        rate, cost = (record.spread(part, cell, PIPELINED, figure) for figure in ("per_s", "cpu_us"))
        if rate:
            rows.append([cell_of_row(cell), count(rate), ratio(record.ratio(part, cell, PIPELINED, OURS, "per_s")),
                         decimal(cost), ratio(record.ratio(part, cell, PIPELINED, OURS, "cpu_us"))])
    head = ["", "queries/s", "to one at a time", "CPU µs a query", "to one at a time"]
    return "\nWith `--pipeline 16`:\n\n" + table(head, rows) if rows else ""


def null(record):
    return _three(record, "null", lambda cell: f"{cell['protocol']}, {cell['connections']:,}")


def real(record):
    return _three(record, "real", lambda cell: "{workload}, {protocol}, {transport}, {connections}".format(**cell))


def _lag(record, part, cell, client, name):
    samples = record.values(part, cell, client, "lag_ms").values()
    return decimal(Spread.of([s[name] for s in samples if s.get(name) is not None]), 3)


def _steps(record, part):
    """What a longer step saves and what it costs, in the cells where more than economy was measured."""
    out = ""
    for cell in record.cells(part):
        rows = [[step, decimal(record.spread(part, cell, client, "cpu_us"), 1),
                 ratio(record.ratio(part, cell, client, PGBENCH, "cpu_us")), decimal(record.spread(part, cell, client, "lag_mean_ms"), 3),
                 _lag(record, part, cell, client, "p99")]
                for step, client in STEPS.items() if record.values(part, cell, client, "cpu_us")]
        if len(rows) > 2:
            out += (f"\nThe steps of `--pacing` at {cell['rate']:,}/s on {cell['connections']:,} connections:\n\n" +
                    table(["step", "CPU µs a query", "to pgbench", "mean lag, ms", "p99"], rows))
    return out


def open_loop(record, part="open"):
    rows, lags, floors, thrifty = [], [], [], []
    for cell in record.cells(part):
        def of(client, figure, cell=cell):
            return record.spread(part, cell, client, figure)

        def lag(client, name, cell=cell):
            return _lag(record, part, cell, client, name)

        not_started = of(OURS, "not_started")
        name = f"{cell['rate']:,}/s, {cell['connections']:,}"
        rows.append([name, decimal(of(OURS, "per_s"), 1), decimal(of(PGBENCH, "per_s"), 1),
                     f"{math.floor(1e4 * (1 - not_started.median)) / 100:.2f} %" if not_started else NONE,
                     decimal(of(OURS, "cpu_us"), 1),
                     decimal(of(PGBENCH, "cpu_us"), 1), decimal(of(RAW, "cpu_us"), 1),
                     ratio(record.ratio(part, cell, OURS, PGBENCH, "cpu_us")),
                     ratio(record.ratio(part, cell, RAW, PGBENCH, "cpu_us"))])
        thrifty.append([name, decimal(of(ECONOMY, "cpu_us"), 1),
                        ratio(record.ratio(part, cell, ECONOMY, PGBENCH, "cpu_us")), decimal(of(ECONOMY, "lag_mean_ms"), 3),
                        lag(ECONOMY, "p99")])
        lags.append([name, decimal(of(OURS, "lag_mean_ms"), 3), lag(OURS, "p50"), lag(OURS, "p99"), lag(OURS, "max"),
                     decimal(of(PGBENCH, "lag_mean_ms"), 3), lag(PGBENCH, "max"),
                     ratio(record.ratio(part, cell, OURS, PGBENCH, "lag_mean_ms"))])
        if record.values(part, cell, WARMED, "cpu_us"):
            lags.append([f"{name}, behind a warm-up of 3 s", decimal(of(WARMED, "lag_mean_ms"), 3),
                         *(lag(WARMED, which) for which in ("p50", "p99", "max")), NONE, NONE, NONE])
        floors.append([name, *(lag(client, which) for which in ("p50", "p99") for client in (OURS, RAW, TIMER)),
                       decimal(of(TIMER, "cpu_us"), 1)])
    return (table(["rate, connections", "queries/s", "pgbench", "started of what was due", "CPU µs a query", "pgbench",
                   "raw socket", "to pgbench", "raw socket to pgbench"], rows) +
            "\nLag (due to sent), ms:\n\n" +
            table(["rate, connections", "mean", "p50", "p99", "max", "pgbench mean", "max", "mean to pgbench"], lags) +
            "\nThe same beside what this machine allows, ms:\n\n" +
            table(["rate, connections", "p50", RAW, TIMER, "p99", RAW, TIMER, f"CPU µs a wake of the {TIMER}"], floors) +
            "\nWith `--pacing economy`:\n\n" +
            table(["rate, connections", "CPU µs a query", "to pgbench", "mean lag, ms", "p99"], thrifty) + _steps(record, part))


def open_loop_tcp(record):
    return open_loop(record, "open-tcp")


def tls(record):
    def name(cell):
        return f"{cell['rate']:,}/s, {cell['connections']:,}" if cell["rate"] else f"closed loop, {cell['connections']:,}"

    rows, calls = [], {}
    for cell in record.cells("tls"):
        if "counted" in cell:
            calls = {client: record.values("tls", cell, client, "calls").get(0, {}) for client in (OURS, PGBENCH)}
            continue
        row = [name(cell)]
        for figure, show in (("per_s", count), ("cpu_us", decimal)):
            row += [show(record.spread("tls", cell, client, figure)) for client in (OURS, PGBENCH)]
            row.append(ratio(record.ratio("tls", cell, OURS, PGBENCH, figure)))
        rows.append(row)
    out = table(["", "queries/s", PGBENCH, f"to {PGBENCH}", "CPU µs a query", PGBENCH, f"to {PGBENCH}"], rows)
    names = [call for call in ("recvfrom", "sendto") if any(call in counts for counts in calls.values())]
    return out + ("\nSystem calls that read and write, a query:\n\n" + table(
        ["", *calls], [[call, *(f"{counts.get(call, 0):.3f}" for counts in calls.values())] for call in names])
                  if names else "")


def peers(record):
    def name(cell):
        rate = f"{cell['rate']:,}/s, " if cell["rate"] else ""
        return f"{cell['server']}, {rate}{cell['connections']:,}"

    memory = [[name(cell), *(count(record.spread("peers", cell, client, "peak_kb"))
                             for client in (OURS, PGBENCH, SYSBENCH))]
              for cell in record.cells("peers") if record.values("peers", cell, OURS, "peak_kb")]
    return (_three(record, "peers", name, SYSBENCH) +
            "\nPeak resident memory, kB:\n\n" + table(["", OURS, PGBENCH, SYSBENCH], memory))


def _value(record, cell, client, figure):
    """What was counted, by name, which may be nothing at all; None where it was not counted."""
    return record.values("cost", cell, client, figure).get(0)


def cost(record):
    out = []
    for figure, title in (("instructions", "Instructions in user space a query, by where they are executed:"),
                          ("allocations", "Allocations a query, by who asks:"),
                          ("calls", "System calls a query:")):
        cells = [cell for cell in record.cells("cost") if _value(record, cell, OURS, figure)
                 or _value(record, cell, PGBENCH, figure)]
        if not cells:
            continue
        cell = cells[0]
        found = {client: _value(record, cell, client, figure) for client in (OURS, PGBENCH, RAW)}
        names = []
        for counts in found.values():
            names += [name for name in counts or () if name not in names]
        digits = 0 if figure == "instructions" else 3

        def shown(counts, number, digits=digits):
            return NONE if counts is None else f"{number(counts):,.{digits}f}" if number(counts) else "0"

        rows = [["all", *(shown(counts, lambda counts: sum(counts.values())) for counts in found.values())]]
        rows += [[name, *(shown(counts, lambda counts, name=name: counts.get(name, 0)) for counts in found.values())]
                 for name in names]
        out.append(f"{title}\n\n" + table(["", *found], rows))
    return "\n".join(out)


def resident_kb_each(record, client):
    """Between the fewest and the most connections that were measured."""
    peaks = [(cell["connections"], record.spread("growth", cell, client, "peak_kb"))
             for cell in record.cells("growth")]
    peaks = [(n, peak) for n, peak in peaks if peak]
    if len(peaks) < 2 or peaks[0][0] == peaks[-1][0]:
        return None
    return (peaks[-1][1].median - peaks[0][1].median) / (peaks[-1][0] - peaks[0][0])


def growth(record):
    rows = []
    for cell in record.cells("growth"):
        row = [f"{cell['connections']:,}"]
        for figure, show in (("cpu_us", decimal), ("peak_kb", count), ("short_wall_s", lambda s: decimal(s, 3))):
            row += [show(record.spread("growth", cell, client, figure)) for client in (OURS, PGBENCH)]
        rows.append(row)
    out = [table(["connections", "CPU µs a query", "pgbench", "peak kB", "pgbench", "s until each has an answer",
                  "pgbench"], rows)]
    each = {client: resident_kb_each(record, client) for client in (OURS, PGBENCH)}
    if each[OURS] is not None:
        told = f"{each[PGBENCH]:.1f} kB" if each[PGBENCH] is not None else "not measured"
        out.append(f"Resident memory a connection, from the fewest to the most: {each[OURS]:.1f} kB; "
                   f"pgbench {told}.\n")
    rows = [[f"{cell['seconds']:g} s, {cell['connections']}", count(record.spread("length", cell, OURS, "peak_kb"))]
            for cell in record.cells("length")]
    out.append(table(["length, connections", "peak kB"], rows))
    for cell in record.cells("far"):
        ours, theirs = (record.spread("far", cell, client, "wall_s") for client in (OURS, PGBENCH))
        out.append(f"{cell['connections']} sessions over round trips of {cell['round trip ms']} ms, from the program's "
                   f"start until each has an answer: {decimal(ours)} s; pgbench {decimal(theirs)} s; "
                   f"ratio {ratio(record.ratio('far', cell, OURS, PGBENCH, 'wall_s'))}.\n")
    return "\n".join(part for part in out if part)


def micro(record):
    rows = [[cell["bench"].replace("_", " ").replace("/", ", "),
             decimal(record.spread("micro", cell, OURS, "cpu_ns"), 1)] for cell in sorted(record.cells("micro"), key=lambda cell: cell.get("bench", "")) if cell]
    return table(["", "ns"], rows)


SECTIONS = {
    "null": ("Null server", null), "real": ("PostgreSQL, closed loop", real),
    "open": ("PostgreSQL, open loop", open_loop), "open-tcp": ("PostgreSQL, open loop over TCP", open_loop_tcp),
    "tls": ("PostgreSQL over TLS", tls),
    "peers": ("Beside sysbench", peers), "cost": ("Cost without noise", cost), "growth": ("Growth", growth),
    "micro": ("Parts", micro),
}
