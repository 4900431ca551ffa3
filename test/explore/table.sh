#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# doc/without.md is what the program says now.   table.sh FLUE FILE
set -uo pipefail

flue=${1:?usage: table.sh FLUE FILE}
file=${2:?usage: table.sh FLUE FILE}
made=$(mktemp)
trap 'rm -f "$made"' EXIT

"$flue" explore --table --depth 6 >"$made" || exit 1
diff -u "$file" "$made" && exit 0
echo "$file is stale: flue explore --table --depth 6 > doc/without.md"
exit 1
