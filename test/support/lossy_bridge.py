#!/usr/bin/env python3
"""Joins two Ethernet interfaces, and loses of every other answer its second segment, once.

  lossy_bridge.py INTERFACE        has it send what goes over a wire: packets with checksums, none above its MTU
  lossy_bridge.py SERVERS CLIENTS  the bridge, until it is stopped; says "ready" first

An answer is what comes from the server's side behind a packet of the client's that carries data."""

import array
import fcntl
import select
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
SET_CHECKSUMS, SET_TSO, SET_GSO, SET_GRO = 0x17, 0x1F, 0x24, 0x2C  # linux/ethtool.h
ALL_PROTOCOLS, OUTGOING = 3, 4  # linux/if_ether.h, linux/if_packet.h
ETHERNET = 14


def leave_to_nobody(interface):
    with socket.socket() as any_socket:
        for what in (SET_CHECKSUMS, SET_TSO, SET_GSO, SET_GRO):
            off = array.array("B", struct.pack("II", what, 0))
            fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), off.buffer_info()[0]))


def tcp_payload(packet):
    """Its place in the stream and its bytes; none of what is not TCP over IPv4."""
    if len(packet) < ETHERNET + 40 or packet[12:14] != b"\x08\x00" or packet[ETHERNET + 9] != socket.IPPROTO_TCP:
        return 0, 0
    header = (packet[ETHERNET] & 15) * 4
    tcp = ETHERNET + header
    size = int.from_bytes(packet[ETHERNET + 2:ETHERNET + 4], "big") - header - (packet[tcp + 12] >> 4) * 4
    return int.from_bytes(packet[tcp + 4:tcp + 8], "big"), size


def opened(interface):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    end.bind((interface, 0))
    return end


def bridge(servers, clients):
    print("ready", flush=True)
    requests = segments = 0
    seen = {servers: set(), clients: set()}  # places, so that nothing sent again is taken for something new
    while True:
        for end in select.select([servers, clients], [], [])[0]:
            packet, origin = end.recvfrom(65535)
            if origin[2] == OUTGOING:
                continue
            place, size = tcp_payload(packet)
            new = size and place not in seen[end]
            if new:
                seen[end].add(place)
            if end is clients:
                if new:
                    requests, segments = requests + 1, 0
                servers.send(packet)
            else:
                segments += bool(new)
                if not (new and segments == 2 and requests % 2 == 0):
                    clients.send(packet)


if len(sys.argv) == 2:
    leave_to_nobody(sys.argv[1])
else:
    bridge(opened(sys.argv[1]), opened(sys.argv[2]))
