#!/usr/bin/env python3
"""What takes minutes: does pgtraffic stay as it is, however long it runs?

    test/endurance/run.py [--build-dir build/dev] [--quick] [arrivals|queries|connects ...]

arrivals  a hundred million arrivals through the pure pipeline in virtual time
queries   ten million real queries against the fake server
connects  ten thousand connections that the server closes, each made again
blackhole a network that loses every packet, until the program's own limits give the connections up (root)
valgrind  a run of 1,000 queries of the mixed workload under memcheck: no error, nothing lost

Memory and open descriptors are read while the program runs; the second half of a run must not have more of
them than the first. Exit code 1 where it has. --quick takes a hundredth of each, to see that this works.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALLOWED_GROWTH_KB = 1024
ALL = ["arrivals", "queries", "connects", "blackhole", "valgrind"]


class Failure(Exception):
    pass


class FakeServer:
    """The tests' server, on a free port, until the end of the block."""

    def __init__(self, build, *options):
        self.command = [build / "test/fake_server", *options]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().split()[1]
        self.dsn = f"host=127.0.0.1 port={port} user=fake dbname=fake sslmode=disable"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def sample(pid):
    """Resident memory in kB and the number of open descriptors; None once it is gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]), descriptors
    return None


def ended(process, within_s):
    try:
        process.wait(within_s)
        return True
    except subprocess.TimeoutExpired:
        return False


def watched_run(build, dsn, arguments):
    """Runs pgtraffic; its JSON result and four samples a second."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [build / "pgtraffic", "run", "-d", dsn, "--warmup", "0", "--disable-logging", "--json", file.name]
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL)
        samples = []
        while not ended(process, within_s=0.25):
            taken = sample(process.pid)
            if taken:
                samples.append(taken)
        result = json.load(open(file.name))
    if process.returncode != 0:
        raise Failure(f"exit code {process.returncode}: {result['errors'][:1]}")
    return result, samples


def check_constant(samples):
    if len(samples) < 4:
        raise Failure("over too soon to say anything")
    middle = samples[len(samples) // 2 : -1]  # the last one may be of the report being written
    first = samples[len(samples) // 4]
    print(f"  memory: {first[0]} kB after a quarter, at most {max(s[0] for s in middle)} kB in the second half")
    print(f"  descriptors: {first[1]} after a quarter, at most {max(s[1] for s in middle)} in the second half")
    if max(s[0] for s in middle) > first[0] + ALLOWED_GROWTH_KB:
        raise Failure("the memory grows")
    return first[1], max(s[1] for s in middle)


def arrivals(build, share):
    count = int(100_000_000 * share)
    if subprocess.run([build / "test/virtual_arrivals", str(count)]).returncode != 0:
        raise Failure("see above")


def queries(build, share):
    count = int(10_000_000 * share)
    with FakeServer(build) as server:
        result, samples = watched_run(
            build, server.dsn, ["-c", "50", "--total-queries", str(count), "--duration", "2h"])
    counted = result["summary"]["queries"]
    print(f"  {counted['ok']} queries in {result['summary']['duration_s']:.0f} s")
    if counted["ok"] != count:
        raise Failure(f"{count} were asked for: {counted}")
    before, after = check_constant(samples)
    if after > before:
        raise Failure("descriptors are left open")


def connects(build, share):
    count = int(10_000 * share)
    with FakeServer(build, "--close-after", "1") as server:
        result, samples = watched_run(
            build, server.dsn,
            # At a rate that leaves each session the time to notice, so that no query meets a closing connection.
            ["-c", "40", "--rate", "500", "--total-queries", str(count), "--duration", "2h"])
        left = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    counted = result["summary"]["queries"]
    print(f"  {counted['ok']} queries in {result['summary']['duration_s']:.0f} s, each on a connection of its own; "
          f"{counted['failed']} met one that was closing")
    if counted["ok"] + counted["failed"] != count:
        raise Failure(f"{count} were asked for: {counted}")
    _, most = check_constant(samples)
    if most > 40 + 20:  # a session has one connection; the loop and the standard streams have a few
        raise Failure("descriptors are left open")
    if left > 20:
        raise Failure(f"{left} descriptors are open at the server's side after the end")


def blackhole(build, _share):
    tests = subprocess.run([build / "test/integration_tests", "[.default-limits]"], capture_output=True, text=True)
    print("".join(f"  {line}\n" for line in tests.stdout.splitlines() if line.startswith("packets lost")), end="")
    if tests.returncode != 0:
        raise Failure(tests.stdout + tests.stderr)


def valgrind(build, _share):
    with tempfile.TemporaryDirectory() as logs:
        # A log a process: its children, until they become something else, still hold what it has.
        process = subprocess.Popen(
            ["valgrind", "--leak-check=full", "--error-exitcode=77", f"--log-file={logs}/%p",
             build / "pgtraffic", "run", "--ephemeral", "--query-type", "mixed", "--total-queries", "1000",
             "-c", "10", "--warmup", "0", "--disable-logging"],
            stdout=subprocess.DEVNULL)
        process.wait()
        said = pathlib.Path(logs, str(process.pid)).read_text()
    for line in said.splitlines():
        if any(word in line for word in ("in use at exit", "total heap usage", "ERROR SUMMARY")):
            print("  " + line.partition("== ")[2].strip())
    if process.returncode != 0 or "in use at exit: 0 bytes" not in said:
        raise Failure(f"exit code {process.returncode}\n{said}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build/dev")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("what", nargs="*", choices=[[], *ALL])
    arguments = parser.parse_args()
    failed = False
    for name in arguments.what or ALL:
        print(f"{name}:", flush=True)
        started = time.monotonic()
        try:
            globals()[name](arguments.build_dir, 0.01 if arguments.quick else 1)
            print(f"  ok ({time.monotonic() - started:.0f} s)", flush=True)
        except Failure as failure:
            print(f"  FAILED: {failure}", flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
