"""Figures from runs. A figure is the difference of a long and a short run of the same load, so that what a
client does once - starting, connecting, preparing, reporting - is in neither. Clients take turns, and each
ratio is of two neighbours in time, so that a machine that grows slower or busier does not favour one."""

import math
import statistics
from dataclasses import dataclass, replace

from . import process
from .clients import Length


@dataclass
class Spread:
    """A figure with how it varied: never one without the other."""

    median: float
    low: float
    high: float
    turns: int

    @staticmethod
    def of(values):
        values = [value for value in values if value is not None]
        return Spread(statistics.median(values), min(values), max(values), len(values)) if values else None


def once(client, target, load, length, **how):
    server_before = process.cpu_seconds_of(target.pid) if target.pid else 0
    run = client.read(process.run(client.command(target, load, length), **how))
    if target.pid:
        run.server_cpu_s = process.cpu_seconds_of(target.pid) - server_before
    return run


_ATTEMPTS = 6
_connecting_s = {}  # of each client's last run


def _timed(client, target, load, length, **how):
    """One run of `length`. A client on whose clock connecting is gets that much more of it: what its last run
    took, and up to a second, as its clock has whole ones. Where a server forks slowly that is seconds and varies,
    so a run that became shorter than it should, or much longer, is made again: a shorter one need not have each
    connection's first query, and of a longer one those are a smaller part. Raises Failed if none fits."""
    if not client.connects_on_the_clock:
        return once(client, target, load, length, **how)
    key = (client.name, target, load.connections, load.protocol)
    if length.seconds and key not in _connecting_s:
        _timed(client, target, replace(load, rate=0), Length(queries_each=1), **how)
    for _ in range(_ATTEMPTS):
        run = once(client, target, load, replace(length, connecting_s=_connecting_s.get(key, 0)), **how)
        _connecting_s[key] = run.connecting_s
        if not length.seconds or -0.1 <= run.seconds - length.seconds <= 1.1 + length.seconds / 4:
            return run
    raise process.Failed(f"{client.name}: {_ATTEMPTS} runs, and none of them of {length.seconds:g} s")


def difference(client, target, load, long, short, **how):
    """One sample: what a query costs `client` under `load`, and how many it makes a second. Where `short` is a
    number of queries, the long run lasts its seconds more than those took: a backend's first queries are slow,
    on some machines by seconds, and the difference shall hold none of them."""
    for _ in range(_ATTEMPTS):
        before = _timed(client, target, load, short, **how)
        longer = replace(long, seconds=long.seconds + before.seconds) if long.seconds and not short.seconds else long
        run = _timed(client, target, load, longer, **how)
        queries = run.queries - before.queries
        seconds = run.seconds - before.seconds
        if before.queries > 0 and queries > 0 and seconds > 0:
            break
    else:
        raise process.Failed(f"{client.name}: no query in the short run, or no more in the long one")
    # A cost below nothing is noise of the machine, and stays: without the lowest, the others' median is too high.
    sample = {"queries": run.queries, "short_queries": before.queries, "per_s": (run.in_time - before.in_time) / seconds,
              "cpu_us": (run.cpu_s - before.cpu_s) * 1e6 / queries}
    if target.pid:
        sample["server_busy"] = (run.server_cpu_s - before.server_cpu_s) / (run.wall_s - before.wall_s)
    if run.peak_kb:
        sample |= {"peak_kb": run.peak_kb, "short_wall_s": before.wall_s}
    if load.rate:
        sample |= {"lag_ms": run.lag_ms, "lag_mean_ms": _mean_lag(before, run)}
        if run.attained is not None:
            sample["not_started"] = 1 - run.attained  # which rounding leaves as exact as it is small
    return sample


def _mean_lag(before, run):
    """Of what the long run has more, as a cost is: first queries, on which some clients prepare, are in neither."""
    if "mean" not in run.lag_ms or "mean" not in before.lag_ms:
        return None
    more = run.lag_ms["mean"] * run.queries - before.lag_ms["mean"] * before.queries
    return more / (run.queries - before.queries)


def rounded(value):
    """Four significant digits are more than any sample is good for. Rounded when it is taken, so that the page
    and results.json are made of the same figures."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return value


class Record:
    """Everything measured, as it will be in results.json: one entry a sample."""

    def __init__(self, say):
        self.samples = []
        self.failures = []
        self._say = say

    def add(self, part, cell, client, repetition, sample):
        self.samples.append({"part": part, "cell": cell, "client": client, "repetition": repetition,
                             **rounded(sample)})

    def take_turns(self, part, cell, clients, repetitions, sample_of):
        """`sample_of(client)` for each client, the order turned round from repetition to repetition. A client
        that fails is not asked again."""
        self._say(f"{part}: " + ", ".join(f"{key} {value}" for key, value in cell.items()))
        failed = set()
        for repetition in range(repetitions):
            for client in clients if repetition % 2 == 0 else list(reversed(clients)):
                if client in failed:
                    continue
                try:
                    self.add(part, cell, client.name, repetition, sample_of(client))
                except process.Failed as problem:
                    failed.add(client)
                    self.failures.append({"part": part, "cell": cell, "client": client.name,
                                          "problem": str(problem)})
                    self._say(f"  {problem}")

    def cells(self, part):
        """The cells of a part in the order in which they were measured."""
        found = []
        for entry in self.samples + self.failures:
            if entry["part"] == part and entry["cell"] not in found:
                found.append(entry["cell"])
        return found

    def values(self, part, cell, client, figure):
        """{repetition: value}."""
        return {s["repetition"]: s[figure] for s in self.samples
                if s["part"] == part and s["cell"] == cell and s["client"] == client and s.get(figure) is not None}

    def spread(self, part, cell, client, figure):
        return Spread.of(self.values(part, cell, client, figure).values())

    def ratio(self, part, cell, client, other, figure):
        """Of `client` to `other`, each repetition by itself. Where the other's difference is nothing or less, noise
        has hidden it, and the ratio is beyond all others; of two such there is none."""
        ours, theirs = (self.values(part, cell, name, figure) for name in (client, other))
        return Spread.of([ours[r] / theirs[r] if theirs[r] > 0 else math.inf
                          for r in ours if r in theirs and (ours[r] > 0 or theirs[r] > 0)])
