#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds flue with clang and compares digests with the given build.
#   compilers.sh FLUE SOURCE_FOLDER BUILD_FOLDER
set -u
flue=$1
source=$2
build=$3
command -v clang >/dev/null || exit 77
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DFLUE_NS3=OFF \
    -DBUILD_TESTING=OFF -DFLUE_LTO=OFF >"$build.log" 2>&1 && cmake --build "$build" --target flue >>"$build.log" 2>&1 || {
    tail -n 20 "$build.log" >&2
    exit 1
}
failed=0
for args in "bulk -s connections=8 -s bytes=512KiB -s offload=chimney -s loss=1%" \
    "bulk -s connections=8 -s bytes=512KiB -s direction=both -s reorder=1%" \
    "rpc -s connections=16 -s requests=200 -s offload=chimney" \
    "rpc -s connections=16 -s requests=200 -s io_size=1KiB -s load=80%"; do
    # shellcheck disable=SC2086 # several words
    one=$("$flue" run $args --seed 5 --json | sed -n 's/.*"digest": *"\([0-9a-f]*\)".*/\1/p')
    # shellcheck disable=SC2086
    two=$("$build/bin/flue" run $args --seed 5 --json | sed -n 's/.*"digest": *"\([0-9a-f]*\)".*/\1/p')
    if [ -z "$one" ] || [ "$one" != "$two" ]; then
        echo "FAILED: flue run $args --seed 5: '$one' and, built by clang, '$two'" >&2
        failed=1
    fi
done
exit $failed
