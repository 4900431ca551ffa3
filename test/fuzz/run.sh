#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the fuzzers with clang, replays the corpus and fuzzes on from there.
#   run.sh SOURCE_FOLDER BUILD_FOLDER SECONDS|smoke [TARGET...]
# The seconds are shared by the targets; smoke is a number of runs for each, the same on every machine.  The seed is fixed (FLUE_FUZZ_SEED).  What fails is left in BUILD_FOLDER/failed,
# what is new in BUILD_FOLDER/found/<target>.  77: there is no clang with libFuzzer.
set -u
source=$1
build=$2
seconds=$3
shift 3
[ $# -gt 0 ] || set -- packet pair image frame tree
here=$source/test/fuzz
seed=${FLUE_FUZZ_SEED:-1}

declare -A smoke=([packet]=2500 [pair]=800 [image]=1300 [frame]=200000 [tree]=1000)
declare -A longest=([packet]=600 [pair]=300 [image]=400 [frame]=400 [tree]=400)

command -v clang >/dev/null || {
    echo "skipped: clang is not installed"
    exit 77
}
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d == 0 && n != 0; }' >"$probe/probe.c"
clang -fsanitize=fuzzer,address,undefined "$probe/probe.c" -o "$probe/probe" 2>/dev/null || {
    echo "skipped: this clang has no libFuzzer (package libclang-rt-14-dev)"
    exit 77
}

mkdir -p "$build/failed"
exec 9>"$build/lock"
command -v flock >/dev/null && flock 9
{
    cmake -S "$source" -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DFLUE_FUZZ=ON \
        -DFLUE_NS3=OFF -DFLUE_LTO=OFF && cmake --build "$build" --target flue_fuzz
} >"$build/log" 2>&1 || {
    tail -n 20 "$build/log" >&2
    exit 1
}
flock -u 9 2>/dev/null

failed=0
for target in "$@"; do
    found=$build/found/$target
    rm -rf "$found" # each run begins with the corpus alone
    mkdir -p "$found"
    if [ "$seconds" = smoke ]; then
        bound=-runs=${smoke[$target]}
    else
        bound=-max_total_time=$((seconds / $#))
    fi
    if ! "$build/test/bin/fuzz_$target" "$found" "$here/corpus/$target" "$bound" \
        -seed="$seed" -max_len="${longest[$target]}" -len_control=0 -timeout=25 -rss_limit_mb=2500 \
        -artifact_prefix="$build/failed/$target-" >"$build/$target.log" 2>&1; then
        grep -aE 'FAILED|ERROR|runtime error|Assertion|Test unit' "$build/$target.log" | head -n 5 >&2
        echo "fuzz_$target failed; read it with: FLUE_FUZZ_TELL=1 $build/test/bin/fuzz_$target FILE" >&2
        failed=1
    fi
    grep -a '^Done' "$build/$target.log" | sed "s/^/$target: /"
done
exit $failed
