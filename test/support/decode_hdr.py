#!/usr/bin/python3
"""Decodes HdrHistogram's V2 encoding, by the format's description and with nothing but the standard library.

Reads one base64 text a line from stdin and prints one JSON object a line: digits, lowest, highest, ratio and counts, a
list of [lowest value of the bucket, count] without the empty ones. Anything that is not as described ends it with
exit code 1.
"""
import base64
import json
import math
import struct
import sys
import zlib


def zigzag_numbers(payload):
    at = 0
    while at < len(payload):
        number = 0
        for i in range(9):
            byte = payload[at]
            at += 1
            if i == 8:
                number |= byte << 56
                break
            number |= (byte & 0x7F) << (7 * i)
            if byte < 0x80:
                break
        yield (number >> 1) ^ -(number & 1)


def counts_by_index(payload):
    index = 0
    for number in zigzag_numbers(payload):
        if number < 0:
            index -= number
        else:
            if number > 0:
                yield index, number
            index += 1


def decode(text):
    outer = base64.b64decode(text, validate=True)
    cookie, length = struct.unpack(">II", outer[:8])
    assert cookie == 0x1C849314 and length == len(outer) - 8, "outer header"
    plain = zlib.decompress(outer[8:])
    cookie, length, offset, digits, lowest, highest, ratio = struct.unpack(">IIIIqqd", plain[:40])
    assert cookie == 0x1C849313 and offset == 0 and length == len(plain) - 40 > 0, "inner header"

    # 2 * 10^digits values of single-unit resolution, rounded up to a power of two, and half of that an octave.
    half_bits = math.ceil(math.log2(2 * 10**digits)) - 1
    half = 1 << half_bits
    counts = []
    for index, count in counts_by_index(plain[40:]):
        octave = max((index >> half_bits) - 1, 0)
        counts.append([(index - octave * half) << octave, count])
    return {"digits": digits, "lowest": lowest, "highest": highest, "ratio": ratio, "counts": counts}


for line in sys.stdin:
    print(json.dumps(decode(line.strip())))
