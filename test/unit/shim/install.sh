#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is installed is enough for a program in C outside this tree.   install.sh plain|pkg-config BUILD SOURCE COMPILER [FLAGS]
# plain: told by hand where it is;  pkg-config: told by flue_ns3.pc, and a script in C++ by ns3-flue.pc (77: there is no
# pkg-config).
set -euo pipefail

how=$1
build=$2
source=$3
shift 3
[ "$how" = plain ] || command -v pkg-config >/dev/null || exit 77
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake --install "$build" --component ns3 --prefix "$place" >/dev/null
links=(-I"$place/include" -L"$place/lib/flue" -lflue_ns3 -Wl,-rpath,"$place/lib/flue")
if [ "$how" = pkg-config ]; then
    PKG_CONFIG_PATH=$(dirname "$(find "$place" -name flue_ns3.pc)")
    export PKG_CONFIG_PATH
    pkg-config --validate flue_ns3 ns3-flue
    read -ra links < <(pkg-config --cflags --libs flue_ns3)
    read -ra classes < <(pkg-config --cflags --libs ns3-flue)
    ${CXX:-c++} -std=c++17 "$source/example/flue-helper.cc" "${classes[@]}" -o "$place/flue-helper"
    "$place/flue-helper" | grep -q '4 connections offloaded, 0 findings'
fi
"$@" -std=c11 -Wall -Wextra -Wpedantic -Werror "$source/example/ns3-routers.c" "${links[@]}" -o "$place/ns3-routers"
"$place/ns3-routers" "$place/server.pcap" >"$place/out"
grep -q '10 of 10 clients served, 10 connections offloaded' "$place/out"
# A capture in nanoseconds, of an Ethernet.
[ "$(od -An -tx4 -N4 "$place/server.pcap" | tr -d ' ')" = a1b23c4d ]
[ "$(od -An -tx4 -j20 -N4 "$place/server.pcap" | tr -d ' ')" = 00000001 ]
