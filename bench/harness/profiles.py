"""Costs that do not depend on how fast or busy the machine is: instructions, allocations and system calls,
counted by valgrind's callgrind and by strace. Again the difference of two lengths, a query."""

import os
import re
import shutil
from collections import Counter

from . import process

ALLOCATORS = re.compile(r"^(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|strdup|strndup|operator new.*)$")


def available(program):
    return shutil.which(program) is not None


def parse_callgrind(lines):
    """(instructions by object, allocator calls by calling object) of a callgrind out file.

    Format: valgrind manual, "Callgrind Format Specification". Objects and functions are named once and
    numbered from then on; the line behind "calls=" is the callee's cost and not the caller's.
    """
    names = {"ob": {}, "fn": {}}

    def named(kind, text):
        number, _, name = text.partition(" ")
        if name:
            names[kind][number] = name
        return names[kind].get(number, number)

    instructions, allocations = Counter(), Counter()
    here = caller = callee = ""
    callees_cost = False
    for line in lines:
        key, equals, value = line.rstrip("\n").partition("=")
        if equals and key == "ob":
            here = os.path.basename(named("ob", value))
        elif equals and key == "cob":
            named("ob", value)
        elif equals and key == "fn":
            caller = re.sub(r"'\d+$", "", named("fn", value))
        elif equals and key == "cfn":
            callee = re.sub(r"'\d+$", "", named("fn", value))
        elif equals and key == "calls":
            callees_cost = True
            # What operator new or strdup does inside was counted where it was called.
            if ALLOCATORS.match(callee) and not ALLOCATORS.match(caller):
                allocations[here] += int(value.split()[0])
        elif line[:1] in "0123456789+-*" and line.strip():
            if callees_cost:
                callees_cost = False
            else:
                instructions[here] += int(line.split()[1])
    return instructions, allocations


def group_of(name, program):
    """Where an object's costs are booked: what we wrote, and what we chose to link, is ours."""
    for library in ("libpq", "libuv", "libc"):
        if name.startswith((library + ".so", library + "-")):
            return library
    return "own" if name == program or name.startswith(("libstdc++", "libfmt", "libgcc", "libm.", "libz")) else "other"


def callgrind(client, target, load, length, scratch, **how):
    out = os.path.join(scratch, "callgrind.out")
    argv = client.command(target, load, length, bare=True)
    process.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *argv], **how)
    with open(out, encoding="utf-8", errors="replace") as file:
        counts = parse_callgrind(file)
    os.remove(out)
    program = os.path.basename(os.path.realpath(shutil.which(argv[0]) or argv[0]))
    return [_grouped(count, program) for count in counts]


def _grouped(count, program):
    grouped = Counter()
    for name, n in count.items():
        grouped[group_of(name, program)] += n
    return grouped


def strace(client, target, load, length, scratch, **how):
    """Calls by name."""
    out = os.path.join(scratch, "strace.out")
    process.run(["strace", "-f", "-c", "-o", out, *client.command(target, load, length, bare=True)], **how)
    calls = Counter()
    with open(out, encoding="utf-8", errors="replace") as file:
        for line in file:
            fields = line.split()
            if len(fields) >= 5 and re.fullmatch(r"[\d.]+", fields[0]) and fields[-1] != "total":
                calls[fields[-1]] += int(fields[3])
    return calls


def per_query(short, long, queries):
    """Of each key, the difference a query; keys that make less than a thousandth are left out."""
    names = set(short) | set(long)
    each = {name: (long.get(name, 0) - short.get(name, 0)) / queries for name in names}
    return {name: round(n, 4) for name, n in sorted(each.items(), key=lambda item: -item[1]) if abs(n) >= 0.001}
