#!/usr/bin/env python3
"""Fuzzes each target for a time on the CPU, and prints a table of what was run and found.

    cmake --preset fuzz && cmake --build --preset fuzz
    test/fuzz/run.py --cpu 3600 --corpus DIR

An hour on the clock says little on a machine that does other things, so the time counted is that of the CPU.
New inputs are kept in DIR beside how long each target has run, so that a run that was stopped goes on where it
was. Exit status: 1 where a target found something (the input is in DIR, too), else 0.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

TARGETS = ("words", "options", "scenario", "script", "conninfo", "answers", "result")
CHUNK_SECONDS = 60  # on the clock: how much of the work is lost at most when a run is stopped
HERE = pathlib.Path(__file__).resolve().parent


def fuzz_for_a_while(program, corpus, target):
    """One process of libFuzzer; its seconds on the CPU, the inputs it ran, and whether it found something."""
    found = corpus / f"{target}-"
    before = os.times()
    process = subprocess.run(
        [program, f"-max_total_time={CHUNK_SECONDS}", "-print_final_stats=1", "-verbosity=0",
         f"-artifact_prefix={found}", corpus / target, HERE / "corpus" / target],
        capture_output=True, text=True, errors="replace")
    after = os.times()
    seconds = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    inputs = re.search(r"number_of_executed_units:\s*(\d+)", process.stderr)
    if process.returncode != 0:
        print(process.stderr[-4000:], file=sys.stderr)
    return seconds, int(inputs[1]) if inputs else 0, process.returncode != 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", type=pathlib.Path, default=HERE.parent.parent / "build" / "fuzz" / "test")
    arguments.add_argument("--corpus", type=pathlib.Path, required=True, help="where new inputs and findings go")
    arguments.add_argument("--cpu", type=float, default=3600, help="seconds on the CPU for each target [3600]")
    arguments.add_argument("--target", action="append", choices=TARGETS, help="only this one (repeatable)")
    options = arguments.parse_args()

    failed = False
    print("| target | on the CPU | inputs run | findings |\n| --- | --- | --- | --- |")
    for target in options.target or TARGETS:
        (options.corpus / target).mkdir(parents=True, exist_ok=True)
        record = options.corpus / f"{target}.json"
        done = json.loads(record.read_text()) if record.exists() else {"seconds": 0, "inputs": 0, "findings": 0}
        while done["seconds"] < options.cpu and done["findings"] == 0:
            seconds, inputs, found = fuzz_for_a_while(options.build / f"{target}_fuzz", options.corpus, target)
            done = {"seconds": done["seconds"] + seconds, "inputs": done["inputs"] + inputs,
                    "findings": done["findings"] + found}
            record.write_text(json.dumps(done))
        failed = failed or done["findings"] > 0
        print(f"| `{target}` | {done['seconds'] / 60:.0f} min | {done['inputs']:,} | {done['findings'] or 'none'} |",
              flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
