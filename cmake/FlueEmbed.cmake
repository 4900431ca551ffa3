# SPDX-License-Identifier: GPL-2.0-only
#
#   flue_embed(<target> <symbol> FILES a.sql b.gp ...)
#       Puts the files into the program.  <target> gets a generated <symbol>.c and, on its include path, "<symbol>.h"
#       with include/flue/embed.h and
#
#           extern const struct flue_embedded <symbol>[];      the last entry has name NULL
#
#       name is the file's name without its folder and its last ending; the entries are sorted as the list is given.
#       Relative paths are meant from the calling CMakeLists.txt.  Touching a file rebuilds it.
#
# The file is also its own generator: cmake -DSYMBOL=s -DOUT=path-without-suffix -DFILES=a|b -P FlueEmbed.cmake

if(CMAKE_SCRIPT_MODE_FILE AND CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
    string(REPLACE "|" ";" files "${FILES}")
    set(body "")
    set(table "")
    set(index 0)
    foreach(file IN LISTS files)
        get_filename_component(name "${file}" NAME_WLE)
        file(READ "${file}" hex HEX)
        string(LENGTH "${hex}" length)
        math(EXPR length "${length} / 2")
        string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
        string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1', " hex "${hex}")
        string(APPEND body "static const char file_${index}[] = {\n${hex}'\\0'};\n")
        string(APPEND table "    {\"${name}\", file_${index}, ${length}},\n")
        math(EXPR index "${index} + 1")
    endforeach()
    get_filename_component(header "${OUT}" NAME)
    file(WRITE "${OUT}.h" "/* Generated: files kept inside the program. */
#ifndef FLUE_EMBEDDED_${SYMBOL}_H
#define FLUE_EMBEDDED_${SYMBOL}_H
#include \"flue/embed.h\"
extern const struct flue_embedded ${SYMBOL}[];
#endif
")
    file(WRITE "${OUT}.c" "/* Generated: files kept inside the program. */
#include \"${header}.h\"

${body}
const struct flue_embedded ${SYMBOL}[] = {
${table}    {NULL, NULL, 0},
};
")
    return()
endif()

include_guard(GLOBAL)

function(flue_embed target symbol)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "FILES")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_FILES)
        message(FATAL_ERROR "flue_embed(${target} ${symbol}): FILES a b ... expected, got: ${ARGN}")
    endif()
    set(paths "")
    foreach(file IN LISTS arg_FILES)
        get_filename_component(path "${file}" ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
        list(APPEND paths "${path}")
    endforeach()
    list(JOIN paths "|" joined)
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/embedded)
    add_custom_command(OUTPUT ${folder}/${symbol}.c ${folder}/${symbol}.h
        COMMAND ${CMAKE_COMMAND} -DSYMBOL=${symbol} -DOUT=${folder}/${symbol} "-DFILES=${joined}" -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        DEPENDS ${paths} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        COMMENT "Embedding ${symbol}" VERBATIM)
    target_sources(${target} PRIVATE ${folder}/${symbol}.c ${folder}/${symbol}.h)
    target_include_directories(${target} PRIVATE ${folder} ${PROJECT_SOURCE_DIR}/include)
endfunction()
