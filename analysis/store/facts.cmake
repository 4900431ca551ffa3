# SPDX-License-Identifier: GPL-2.0-only
# Writes store_build_facts.h; run at every build, touches the file only if something has changed.
# cmake -DOUT=file -DSOURCE=dir -DVERSION=v -DCOMPILER=c -DCFLAGS=f -P facts.cmake
set(rev "")
set(dirty -1)
find_program(git git)
if(git)
    execute_process(COMMAND ${git} -C ${SOURCE} rev-parse --short=12 HEAD
        OUTPUT_VARIABLE rev ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
    if(failed)
        set(rev "")
    else()
        execute_process(COMMAND ${git} -C ${SOURCE} status --porcelain --untracked-files=no
            OUTPUT_VARIABLE changes ERROR_QUIET RESULT_VARIABLE failed)
        if(NOT failed)
            if(changes STREQUAL "")
                set(dirty 0)
            else()
                set(dirty 1)
            endif()
        endif()
    endif()
endif()
string(REGEX REPLACE "[\"\\\\]" "" cflags "${CFLAGS}")
string(REGEX REPLACE " +" " " cflags "${cflags}")
string(STRIP "${cflags}" cflags)
set(text "/* Generated: where this build comes from. */
#define STORE_FACT_VERSION \"${VERSION}\"
#define STORE_FACT_GIT_REV \"${rev}\"
#define STORE_FACT_GIT_DIRTY (${dirty})
#define STORE_FACT_COMPILER \"${COMPILER}\"
#define STORE_FACT_CFLAGS \"${cflags}\"
")
set(old "")
if(EXISTS ${OUT})
    file(READ ${OUT} old)
endif()
if(NOT old STREQUAL text)
    file(WRITE ${OUT} "${text}")
endif()
