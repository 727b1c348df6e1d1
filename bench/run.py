#!/usr/bin/env python3
"""Measures pgtraffic against pgbench, sysbench and a bare socket, and writes what it found: figures.md, SVG
charts, and every sample in results.json. One command, no arguments needed; docs/performance.md explains how
each figure is made. --publish puts the figures into docs/; with --only it renews those parts and keeps the
others as they were published, and the page says when and of what each was measured."""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from harness import chart, machine, measure, parts, process, servers, tables, targets  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "results.json"
BEGIN, END = "<!-- figures: written by bench/run.py --publish -->", "<!-- end of figures -->"


def say(text):
    print(f"{datetime.datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="PARTS", default=",".join(parts.ALL),
                        help="comma-separated, of: " + ", ".join(parts.ALL) + " (default: all)")
    parser.add_argument("--quick", action="store_true",
                        help="a few small cells of each part: shows that the bench works, and nothing about speed")
    parser.add_argument("--repetitions", type=int, metavar="N", default=5, help="of each cell (default: 5)")
    parser.add_argument("--build-dir", type=pathlib.Path, metavar="DIR",
                        help="take the programs from there, and build nothing (default: build the preset bench)")
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR", default=ROOT / "build" / "bench-results",
                        help="where results go (default: build/bench-results)")
    parser.add_argument("--publish", action="store_true",
                        help="also put the figures into docs/performance.md and the samples into bench/results/")
    chosen = parser.parse_args()
    chosen.only = chosen.only.split(",")
    unknown = [name for name in chosen.only if name not in parts.ALL]
    if unknown:
        parser.error(f"--only: no part is called {unknown[0]!r}; there are {', '.join(parts.ALL)}")
    if chosen.repetitions < 1:
        parser.error("--repetitions: at least 1")
    if chosen.quick:
        chosen.repetitions = 1
        if chosen.publish:
            parser.error("--publish: the figures of --quick mean nothing")
    return chosen


def find_programs(build_dir):
    """Builds unless told where; every program by its path."""
    if build_dir is None:
        say("building")
        for argv in (["cmake", "--preset", "bench"], ["cmake", "--build", "--preset", "bench"]):
            built = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
            if built.returncode != 0:
                raise process.Failed(f"{' '.join(argv)}:\n{built.stdout}{built.stderr}")
        build_dir = ROOT / "build" / "bench"
    found = {}
    for name, folders in {"pgtraffic": ("",), "raw_client": ("bench",), "bare_timer": ("bench",),
                          "micro": ("bench",), "fake_server": ("bench", "test")}.items():
        paths = [build_dir.resolve() / folder / name for folder in folders]
        path = next((path for path in paths if path.exists()), None)
        if path is None:
            raise process.Failed(f"{paths[0]} is missing: configure with -DPGTRAFFIC_BENCH=ON and build")
        found[name] = str(path)
    beside_server = os.path.join(servers.server_programs(), "pgbench")
    found["pgbench"] = beside_server if os.path.exists(beside_server) else shutil.which("pgbench")
    if not found["pgbench"]:
        raise process.Failed("pgbench is not installed (Debian: postgresql-contrib or postgresql)")
    found["sysbench"] = shutil.which("sysbench")
    return found


def charts(record, measured):
    """{name: SVG}, each with the machine on which its part was measured, without those that nothing was measured for. One connection alone is left to the table:
    waiting for the single answer costs so much more that nothing else could be told apart."""
    clients = (tables.OURS, tables.PGBENCH, tables.RAW)

    def lines(part, figure, fixed, names=clients):
        return [(name, [(cell["connections"], record.spread(part, cell, name, figure))
                        for cell in record.cells(part)
                        if fixed.items() <= cell.items() and cell["connections"] > 1
                        and record.spread(part, cell, name, figure)])
                for name in names]

    def caption(part):
        return machine.in_words(next((where for where in measured if part in where["parts"]), measured[-1]))

    prepared = {"protocol": "prepared"}
    made = {
        "null-server": chart.chart(
            [("queries a second, null server", lines("null", "per_s", prepared)),
             ("client CPU a query, µs", lines("null", "cpu_us", prepared))], "connections", caption("null")),
        "growth": chart.chart(
            [("client CPU a query, µs", lines("growth", "cpu_us", {}, clients[:2])),
             ("seconds until each connection has an answer", lines("growth", "short_wall_s", {}, clients[:2]))],
            "connections", caption("growth")),
    }
    return {name: svg for name, svg in made.items() if svg}


def origin(where, alone):
    """When, where and of what parts were measured; which ones, unless they are all."""
    which = "" if alone else "; ".join(tables.SECTIONS[name][0] for name in where["parts"]) + ": "
    out = [f"{which}measured {where['date']} on {machine.in_words(where)}; " +
           "; ".join(version for version in where["versions"].values() if version) +
           f"; --repetitions {where['repetitions']}."]
    out[0] = out[0][0].upper() + out[0][1:]
    if (where["busy_before"] or 0) > 0.05:
        out.append(f"**The machine was busy with something else** ({where['busy_before']:.0%} of its cores before the "
                   "start): these figures are noise.")
    if where["quick"]:
        out.append("**A quick run**: it shows that the bench works; the figures mean nothing.")
    return out


def figures(record, skipped, measured, chart_links):
    """The body of the page."""
    out = [line for where in measured for line in origin(where, len(measured) == 1)]
    held = targets.markdown(record)
    if held:
        out += ["### Targets", held]
    for name, (title, show) in tables.SECTIONS.items():
        body = show(record) if record.cells(name) else ""
        if body.strip():
            out += [f"### {title}", body]
        out += [f"![{title}]({link})" for link in chart_links if name in link]
    notes = [f"- {part}: not measured, {why}." for part, why in skipped.items()]
    notes += [f"- {f['client']}, {f['part']} {f['cell']}: {f['problem']}" for f in record.failures]
    if notes:
        out += ["### Not measured", "\n".join(notes)]
    return "\n\n".join(block.strip("\n") for block in out) + "\n"


def results_json(record, skipped, measured):
    head = json.dumps({"measured": measured, "skipped": skipped, "failures": record.failures}, indent=1)
    samples = ",\n  ".join(json.dumps(sample) for sample in record.samples)
    return head[:-2] + ',\n "samples": [\n  ' + samples + "\n ]\n}\n"


def with_published(record, skipped, where):
    """(record, skipped, measured): `where["parts"]` as they are measured now, the others as they were published."""
    published = (json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists()
                 else {"samples": [], "failures": [], "skipped": {}, "measured": []})
    kept = {entry for name in parts.ALL if name not in where["parts"] for entry in parts.RECORDED.get(name, (name,))}

    def joined(older, newer):
        return [one for one in older if one["part"] in kept] + [one for one in newer if one["part"] not in kept]

    both = measure.Record(say)
    both.samples = joined(published["samples"], record.samples)
    both.failures = joined(published["failures"], record.failures)
    skipped = ({part: why for part, why in published["skipped"].items() if part.split()[0] in kept} |
               {part: why for part, why in skipped.items() if part.split()[0] not in kept})
    lefts = [(older, [name for name in older["parts"] if name not in where["parts"]])
             for older in published["measured"]]
    return both, skipped, [older | {"parts": left} for older, left in lefts if left] + [where]


def publish(record, skipped, where):
    record, skipped, measured = with_published(record, skipped, where)
    svgs = charts(record, measured)
    page = ROOT / "docs" / "performance.md"
    links = {f"performance-{name}.svg": svg for name, svg in svgs.items()}
    for name, svg in links.items():
        (page.parent / name).write_text(svg, encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    body = f"{BEGIN}\n\n{figures(record, skipped, measured, links)}\n{END}"
    page.write_text(re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: body, text, flags=re.DOTALL),
                    encoding="utf-8")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(results_json(record, skipped, measured), encoding="utf-8")


def write(record, skipped, where, folder):
    """The page, which is also left in the folder with its charts and samples."""
    svgs = charts(record, [where])
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in svgs.items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    page = figures(record, skipped, [where], [f"{name}.svg" for name in svgs])
    (folder / "figures.md").write_text(page, encoding="utf-8")
    (folder / "results.json").write_text(results_json(record, skipped, [where]), encoding="utf-8")
    return page


def worth_publishing(name, record, skipped):
    """Something of the part was measured, unless it says why not, and pgtraffic failed nowhere."""
    recorded = parts.RECORDED.get(name, (name,))
    return ((record.cells(name) or any(part.startswith(name) for part in skipped))
            and not any(failure["client"].startswith(tables.OURS) and failure["part"] in recorded
                        for failure in record.failures))


def main():
    chosen = arguments()
    # An interrupted bench takes its servers down, too.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    programs = find_programs(chosen.build_dir)
    where = machine.describe(programs)
    where["date"] = f"{datetime.date.today():%Y-%m-%d}"
    where["repetitions"] = chosen.repetitions
    where["quick"] = chosen.quick
    where["parts"] = []
    record = measure.Record(say)
    missed = []
    with contextlib.ExitStack() as cleanup:
        scratch = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="pgtraffic-bench-"))
        os.chmod(scratch, 0o755)
        context = parts.Context(programs, scratch, record, chosen.quick, chosen.repetitions)
        # Written after each part: who interrupts the next keeps those that are done.
        for name in cleanup.enter_context(contextlib.closing(parts.run(context, chosen.only))):
            where["parts"] = [one for one in parts.ALL if one in where["parts"] or one == name]
            page = write(record, context.skipped, where, chosen.out)
            say(f"{name}: written to {chosen.out}")
            if not worth_publishing(name, record, context.skipped):
                say(f"{name}: pgtraffic failed, or nothing was measured; see the end of the figures")
                missed.append(name)
            elif chosen.publish:
                done = [one for one in where["parts"] if one not in missed]
                publish(record, context.skipped, where | {"parts": done})
                say(f"{name}: put into docs/performance.md")
    print(page)
    if missed:
        raise process.Failed(f"not measured as it should be: {', '.join(missed)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except process.Failed as problem:
        sys.exit(f"run.py: {problem}")
    except KeyboardInterrupt:
        say("interrupted; the parts that were done before are written")
        sys.exit(130)
