"""Where the figures were measured, in words and as data."""

import os
import platform

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


def describe(programs):
    return {
        "cpu": _first("/proc/cpuinfo", "model name"), "cpus": len(process.all_cpus()),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "kernel": platform.release(), "os": _first("/etc/os-release", "PRETTY_NAME"),
        "virtual": "hypervisor" in _first("/proc/cpuinfo", "flags").split(),
        "load_before": round(os.getloadavg()[0], 2),
        "versions": {
            "pgtraffic": version_of([programs["pgtraffic"], "--version"]),
            "pgbench": version_of([programs["pgbench"], "--version"]),
            "postgres": version_of([f"{servers.server_programs()}/postgres", "--version"]),
        },
    }


def in_words(machine):
    kind = "virtual machine" if machine["virtual"] else "machine"
    return (f"{machine['cpu']}, {machine['cpus']} cores ({kind}), {machine['memory_gb']} GB, {machine['os']}, "
            f"Linux {machine['kernel']}")
