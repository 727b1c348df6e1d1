"""Running a client once and learning what it cost: processor time from wait4(), which the kernel counts for
everybody alike, and the peak of its memory from /proc, because the peak that wait4() tells starts from the
parent's."""

import ctypes
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Failed(Exception):
    """A program did not do what it was started for; the message is for people."""


@dataclass
class Ended:
    stdout: str
    stderr: str
    cpu_s: float
    wall_s: float
    peak_kb: int  # 0 where memory was not watched


def all_cpus():
    return sorted(os.sched_getaffinity(0))


def die_with_parent(number):
    _libc.prctl(PR_SET_PDEATHSIG, number)


def environment():
    """Ours without what libpq would read from it: every client is told its target in the same words."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PG") and k != "DATABASE_URL"}
    return kept | {"NO_COLOR": "1", "LC_ALL": "C"}


def _watch_peak(pid, peak, stop):
    while True:
        try:
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        peak[0] = max(peak[0], int(line.split()[1]))
        except OSError:
            return
        if stop.wait(0.01):
            return


def run(argv, cpus=None, watch_memory=False, timeout_s=180):
    """Runs `argv` to its end, on `cpus` alone where given. Raises Failed unless it exits with 0 in time."""

    def prepare():
        die_with_parent(signal.SIGKILL)
        if cpus:
            os.sched_setaffinity(0, cpus)

    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.monotonic()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment(),
                                 preexec_fn=prepare)
        late = threading.Event()

        def kill():
            late.set()
            os.kill(child.pid, signal.SIGKILL)  # not reaped yet: the number is still the child's

        guard = threading.Timer(timeout_s, kill)
        guard.start()
        peak, stop = [0], threading.Event()
        watcher = threading.Thread(target=_watch_peak, args=(child.pid, peak, stop))
        if watch_memory:
            watcher.start()
        try:
            # Without reaping, so that the guard cannot hit a stranger.
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        except BaseException:
            guard.cancel()
            child.kill()
            child.wait()
            raise
        finally:
            stop.set()
        guard.cancel()
        guard.join()
        wall = time.monotonic() - started
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if watch_memory:
            watcher.join()
        out.seek(0)
        err.seek(0)
        ended = Ended(out.read(), err.read(), usage.ru_utime + usage.ru_stime, wall, peak[0])
    if late.is_set():
        raise Failed(f"{os.path.basename(argv[0])}: not done after {timeout_s} s")
    if child.returncode != 0:
        said = (ended.stderr.strip() or ended.stdout.strip()).splitlines() or ["said nothing"]
        told = next((line for line in said if "error" in line.lower()), said[-1])
        raise Failed(f"{os.path.basename(argv[0])}: exit {child.returncode}: {told.strip()}")
    return ended


def cpu_seconds_of(pid):
    """User and system time of a live process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
