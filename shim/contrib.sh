#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# contrib.sh NS3DIR - makes NS3DIR/contrib/flue, a module of an ns-3 source tree (3.37), of links to this repository.
# README.md beside this file tells how ns-3 is built with it, and how its example and its suite are run.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
if [ $# -ne 1 ] || [ ! -f "$1/src/core/CMakeLists.txt" ]; then
    echo "usage: contrib.sh NS3DIR: the folder of ns-3's sources, which has src/core" >&2
    exit 2
fi
module="$1/contrib/flue"
mkdir -p "$module/model" "$module/helper" "$module/test" "$module/examples" "$module/doc"
ln -sfn "$root/shim/flue-host-attributes.cc" "$module/model/flue-host-attributes.cc"
for name in flue-host flue-socket; do
    ln -sfn "$root/shim/$name.h" "$module/model/$name.h"
    ln -sfn "$root/shim/$name.cc" "$module/model/$name.cc"
done
for name in port point lan nodes world routers capture streams sockets ipv6 fast-demux descriptor-tag; do
    ln -sfn "$root/shim/$name.cc" "$module/model/flue-$name.cc"
done
ln -sfn "$root/model" "$module/model/engine"
ln -sfn "$root/include" "$module/model/include"
ln -sfn "$root/shim" "$module/model/shim"
ln -sfn "$root/shim/flue-helper.h" "$module/helper/flue-helper.h"
ln -sfn "$root/shim/flue-helper.cc" "$module/helper/flue-helper.cc"
ln -sfn "$root/shim/flue-test-suite.cc" "$module/test/flue-test-suite.cc"
ln -sfn "$root/example/flue-helper.cc" "$module/examples/flue-helper.cc"
ln -sfn "$root/shim/README.md" "$module/doc/README.md"
cat >"$module/examples/CMakeLists.txt" <<'EOF'
build_lib_example(
  NAME flue-helper
  SOURCE_FILES flue-helper.cc
  LIBRARIES_TO_LINK ${libflue} ${libpoint-to-point}
)
EOF
cat >"$module/CMakeLists.txt" <<'EOF'
# Made by Flue's shim/contrib.sh.
set(engine "")
foreach(box base frame tcp cost ndis im wire host target node)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/model/engine/${box}/*.c)
  list(APPEND engine ${sources})
endforeach()
# build_lib() has a precompiled header of C++, which C cannot use.
set_source_files_properties(${engine} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
set(sources
    helper/flue-helper.cc
    model/flue-host.cc
    model/flue-host-attributes.cc
    model/flue-socket.cc
    model/flue-port.cc
    model/flue-point.cc
    model/flue-lan.cc
    model/flue-nodes.cc
    model/flue-world.cc
    model/flue-routers.cc
    model/flue-capture.cc
    model/flue-streams.cc
    model/flue-sockets.cc
    model/flue-ipv6.cc
    model/flue-fast-demux.cc
    model/flue-descriptor-tag.cc
)
# Folders that nobody outside needs, so they are told of no target.
set(here ${CMAKE_CURRENT_SOURCE_DIR}/model)
set_source_files_properties(${engine} ${sources} PROPERTIES INCLUDE_DIRECTORIES "${here}/include;${here}/engine;${here}/shim")
build_lib(
  LIBNAME flue
  SOURCE_FILES ${sources} ${engine}
  HEADER_FILES
    helper/flue-helper.h
    model/flue-host.h
    model/flue-socket.h
  LIBRARIES_TO_LINK
    ${libbridge}
    ${libcsma}
    ${libpoint-to-point}
    ${libinternet}
  TEST_SOURCES test/flue-test-suite.cc
)
EOF
echo "$module"
