#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is installed is enough outside this tree: the program runs, and the examples compile and work with the installed
# headers and libflue_tcp.a.   install.sh BUILD COMPILER [FLAGS]
set -euo pipefail

build=$1
shift
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake --install "$build" --component Unspecified --prefix "$place" >/dev/null
cd "$place"
examples=share/doc/flue/example
compile() {
    "${compiler[@]}" -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude "$@"
}
compiler=("$@")
compile -fPIC -shared "$examples/target-skeleton.c" -o skeleton.so
compile -fPIC -shared "$examples/policy-budget.c" -o budget.so
compile "$examples/two-stacks.c" -L. -l:"$(find lib* -name libflue_tcp.a)" -o two-stacks

[ -f share/doc/flue/LICENSE ]
./two-stacks >out
grep -q 'server: sent 1000000, received 1000000 bytes, 0 wrong' out
small=(-s connections=2 -s bytes=64KiB -s warmup=0 -s offload=chimney)
bin/flue run bulk "${small[@]}" --target ./skeleton.so --check=stop >out
grep -q 'target skeleton' out
bin/flue run bulk "${small[@]}" --policy ./budget.so --check=stop >out
grep -q 'audit *ok' out
