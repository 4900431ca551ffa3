#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# contrib.sh SOURCE BUILD NS3DIR: contrib/flue in a source tree of ns-3, built, its example and its suite run.  Without a
# tree it is skipped.
set -eu
[ -n "${3-}" ] || { echo "no -DFLUE_NS3_SOURCE"; exit 77; }
tree=$(cd "$3" && pwd)
"$1/shim/contrib.sh" "$tree"
cmake -S "$tree" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=debug -DNS3_PYTHON_BINDINGS=OFF -DNS3_EXAMPLES=ON -DNS3_TESTS=ON \
    -DNS3_FILTER_MODULE_EXAMPLES_AND_TESTS=flue \
    "-DNS3_ENABLED_MODULES=flue;core;network;internet;point-to-point;csma" >"$2.log" 2>&1 || { tail -20 "$2.log"; exit 1; }
cmake --build "$2" >"$2.log" 2>&1 || { tail -40 "$2.log"; exit 1; }
example=$(find "$tree/build/contrib/flue/examples" -name 'ns3*-flue-helper*' -type f -perm -u+x | head -1)
"$example" | tail -1 | grep -q '^4 connections offloaded, 0 findings$'
runner=$(find "$tree/build/utils" -name 'ns3*-test-runner*' -type f -perm -u+x | head -1)
"$runner" --suite=flue --verbose
