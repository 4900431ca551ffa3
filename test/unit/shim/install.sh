#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is installed is enough for a program in C outside this tree.   install.sh BUILD SOURCE COMPILER [FLAGS]
set -euo pipefail

build=$1
source=$2
shift 2
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake --install "$build" --component ns3 --prefix "$place" >/dev/null
"$@" -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$place/include" "$source/example/ns3-routers.c" \
    -L"$place/lib/flue" -lflue_ns3 -Wl,-rpath,"$place/lib/flue" -o "$place/ns3-routers"
"$place/ns3-routers" "$place/server.pcap" >"$place/out"
grep -q '10 of 10 clients served, 10 connections offloaded' "$place/out"
# A capture in nanoseconds, of an Ethernet.
[ "$(od -An -tx4 -N4 "$place/server.pcap" | tr -d ' ')" = a1b23c4d ]
[ "$(od -An -tx4 -j20 -N4 "$place/server.pcap" | tr -d ' ')" = 00000001 ]
