#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is installed is enough outside this tree: the program runs, and the examples compile and work with the installed
# headers and libflue_tcp.a.   install.sh plain|pkg-config BUILD COMPILER [FLAGS]
# plain: told by hand where they are;  pkg-config: told by flue.pc and flue_tcp.pc (77: there is no pkg-config).
set -euo pipefail

how=$1
build=$2
shift 2
[ "$how" = plain ] || command -v pkg-config >/dev/null || exit 77
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake --install "$build" --component Unspecified --prefix "$place" >/dev/null
cd "$place"
examples=share/doc/flue/example
compile() {
    "${compiler[@]}" -std=c11 -Wall -Wextra -Wpedantic -Werror "$@"
}
compiler=("$@")
if [ "$how" = plain ]; then
    plugin=(-Iinclude)
    tcp=(-Iinclude -L. -l:"$(find lib* -name libflue_tcp.a)")
else
    PKG_CONFIG_PATH=$place/$(dirname "$(find lib* -name flue.pc)")
    export PKG_CONFIG_PATH
    pkg-config --validate flue flue_tcp
    read -ra plugin < <(pkg-config --cflags --libs flue)
    read -ra tcp < <(pkg-config --cflags --libs --static flue_tcp)
fi
compile -fPIC -shared "$examples/target-skeleton.c" "${plugin[@]}" -o skeleton.so
compile -fPIC -shared "$examples/policy-budget.c" "${plugin[@]}" -o budget.so
compile "$examples/two-stacks.c" "${tcp[@]}" -o two-stacks

[ -f share/doc/flue/LICENSE ]
./two-stacks >out
grep -q 'server: sent 1000000, received 1000000 bytes, 0 wrong' out
small=(-s connections=2 -s bytes=64KiB -s warmup=0 -s offload=chimney)
bin/flue run bulk "${small[@]}" --target ./skeleton.so --check=stop >out
grep -q 'target skeleton' out
bin/flue run bulk "${small[@]}" --policy ./budget.so --check=stop >out
grep -q 'audit *ok' out
