"""Where the figures were measured, in words and as data."""

import os
import platform
import time

from . import process, servers


def _first(path, key):
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(key):
                return line.split("=" if "=" in line else ":", 1)[1].strip().strip('"')
    return ""


def version_of(argv):
    try:
        return process.run(argv).stdout.strip().splitlines()[0]
    except (process.Failed, FileNotFoundError, IndexError):
        return ""


def busy_share(seconds=2):
    """Of all cores together, while nothing of ours runs. A load average would still hold the build."""
    def times():
        with open("/proc/stat", encoding="ascii") as stat:
            fields = [int(field) for field in stat.readline().split()[1:9]]
        return sum(fields), fields[3] + fields[4]

    before = times()
    time.sleep(seconds)
    total, idle = (after - old for after, old in zip(times(), before))
    return 1 - idle / total if total else 0.0


def _is_virtual():
    """None where the processor does not tell: ARM has no such flag."""
    flags = _first("/proc/cpuinfo", "flags").split()
    return "hypervisor" in flags if flags else None


def describe(programs):
    return {
        "cpu": _first("/proc/cpuinfo", "model name") or platform.machine(), "cpus": len(process.all_cpus()),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "kernel": platform.release(), "os": _first("/etc/os-release", "PRETTY_NAME"),
        "virtual": _is_virtual(),
        "busy_before": round(busy_share(), 3),
        "versions": {
            "pgtraffic": version_of([programs["pgtraffic"], "--version"]),
            "pgbench": version_of([programs["pgbench"], "--version"]),
            "postgres": version_of([f"{servers.server_programs()}/postgres", "--version"]),
            "sysbench": version_of([programs["sysbench"], "--version"]) if programs["sysbench"] else "",
        },
    }


def in_words(machine):
    kind = {True: " (virtual machine)", False: " (machine)", None: ""}[machine["virtual"]]
    return (f"{machine['cpu']}, {machine['cpus']} cores{kind}, {machine['memory_gb']} GB, {machine['os']}, "
            f"Linux {machine['kernel']}")
