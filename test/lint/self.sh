#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A check that finds nothing may be blind: here each gets a small tree with one violation, must name its file and line, and
# must be content with the same tree without it.
set -uo pipefail

lint=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/lint.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

clean_tree() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/{include/flue,model/{base,host,target},shim,scenarios/run,analysis/store}
    printf '/* SPDX-License-Identifier: GPL-2.0-only */\n#ifndef A_H\n#define A_H\n/* One. */\nint a(void);\n#endif\n' >"$tree/include/flue/a.h"
    printf '/* SPDX-License-Identifier: GPL-2.0-only */\n#include "flue/a.h"\n/* 1.5 double, NdisSend(), */\nint a(void)\n{\n    return 1;\n}\n' >"$tree/model/base/a.c"
    printf '/* SPDX-License-Identifier: GPL-2.0-only */\n#include "flue/a.h"\nint b = sizeof(a());\n' >"$tree/scenarios/run/b.c"
    printf '# SPDX-License-Identifier: GPL-2.0-only\nflue_library(base SOURCES a.c)\n' >"$tree/model/base/CMakeLists.txt"
}

# finds CHECK FILE:LINE: the tree as it is must be refused there.
finds() {
    local out status=0
    out=$("$lint" "$1" "$tree" 2>&1) || status=$?
    if [ "$status" -eq 77 ]; then
        return
    fi
    if [ "$status" -ne 1 ] || [[ $'\n'$out != *$'\n'"$2: "* ]]; then
        echo "lint $1 does not find $2 (exit code $status): $out"
        failures=$((failures + 1))
    fi
    clean_tree
}

add() { # FILE LINE...
    local file=$tree/$1
    shift
    printf '%s\n' '/* SPDX-License-Identifier: GPL-2.0-only */' "$@" >"$file"
}

clean_tree
for check in arrows system globals floats headers clang length names ns3 exports readmes comments spdx words; do
    status=0
    out=$("$lint" "$check" "$tree" 2>&1) || status=$?
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
        echo "lint $check refuses a clean tree: $out"
        failures=$((failures + 1))
    fi
done

add model/host/x.c '#include "target/target.h"'
finds arrows model/host/x.c:2
add model/base/x.c '#include "../host/x.h"'
finds arrows model/base/x.c:2
printf '%s\n' 'flue_library(base SOURCES a.c' '    DEPENDS host)' >"$tree/model/base/CMakeLists.txt"
finds arrows model/base/CMakeLists.txt:2
add shim/x.cc '#include "flue/ndischimney.h"'
finds arrows shim/x.cc:2
add include/flue/x.h '#include "base/list.h"'
finds arrows include/flue/x.h:2
mkdir "$tree/model/extra"
add model/extra/x.c 'int x;'
finds arrows model/extra/x.c:1
add model/base/x.c '#include <stdio.h>'
finds system model/base/x.c:2
add model/base/x.c 'int x(void);' 'int x(void)' '{' '    static int seen;' '    return seen++;' '}'
finds globals model/base/x.c:5
add model/base/x.c 'extern int shared;' 'int shared = 3;'
finds globals model/base/x.c:2
add model/base/x.c 'int x(void);' 'int x(void)' '{' '    return (int)(3 * 0.5);' '}'
finds floats model/base/x.c:5
add model/base/x.c '' '/* a comment' ' * of lines */' 'double x;'
finds floats model/base/x.c:5
add model/base/x.h 'uint32_t x(void);'
finds headers model/base/x.h:2
add include/flue/x.h 'int x(int class);'
finds headers include/flue/x.h:2
add model/base/x.c 'int x(void);' 'int x(void)' '{' '    int unused;' '    return 1;' '}'
finds clang model/base/x.c:5
add model/base/x.c $(seq -f '/*%g*/' 600)
finds length model/base/x.c:601
add model/base/x.c 'int x(void)' '{' $(seq -f 'f%g();' 61) '}'
finds length model/base/x.c:2
add model/host/x.c '#include "flue/ndis.h"' 'void x(void)' '{' '    NdisSendNetBufferLists(0);' '}'
finds names model/host/x.c:5
add model/host/protocol.c 'static void ProtocolStatusEx(int a)' '{' $(seq -f 'call%g();' 11) '}'
finds names model/host/protocol.c:2
add model/base/x.h 'void x_stop(void);'
add model/base/x.c 'void x_stop(void)' '{' '}'
finds exports model/base/x.h:2
add model/base/x.h 'void x_grow(int n);' 'static inline void x_more(void)' '{' '    x_grow(1);' '}' 'void x_stop(void);'
add model/base/x.c 'void x_grow(int n)' '{' '    (void)n;' '}'
finds exports model/base/x.h:7
# shellcheck disable=SC2016
printf '| `y.c` | mentions x.c |\n' >"$tree/model/base/README.md"
add model/base/x.c ''
finds readmes model/base/x.c:1
add include/flue/x.h '' 'void c(void);'
finds comments include/flue/x.h:3
add include/flue/x.h '/* A pair. */' 'struct c {' '    int a; /* of it */' '    int b;' '};'
finds comments include/flue/x.h:5
add include/flue/x.h '/* A choice. */' 'enum c {' '    A, /* of it */' '    B' '};'
finds comments include/flue/x.h:5
add include/flue/x.h '' '#define C 1'
finds comments include/flue/x.h:3
add include/flue/x.h '/* C. */' 'static inline int c(void)' '{' '    return 1;' '}' 'struct d {' '    int a; /* of it */' '};'
finds comments include/flue/x.h:7
add scenarios/run/x.c '#include <ns3/core-module.h>'
finds ns3 scenarios/run/x.c:2
printf 'int x;\n' >"$tree/model/base/x.c"
finds spdx model/base/x.c:1
add model/base/x.c '/* TO''DO: more */'
finds words model/base/x.c:2
add model/base/x.c '/* see /ho''me/me/x */'
finds words model/base/x.c:2

[ "$failures" -eq 0 ]
