# SPDX-License-Identifier: GPL-2.0-only
#
# The functions every folder's CMakeLists.txt uses.
#
#   flue_library(NAME SOURCES a.c ... [DEPENDS base ...] [POSIX])
#       static library flue_NAME.  On its include path: include/, model/ and the folder above its own, so that
#       "flue/x.h", "base/x.h" and "NAME/x.h" work.  Links PUBLIC only flue_<each of DEPENDS>.
#   flue_program(NAME SOURCES main.c ... [DEPENDS ...] [POSIX])
#       program NAME in build/<preset>/bin.
#   flue_test(NAME x SOURCES x.c ... [DEPENDS ...] [LABELS ...] [TIMEOUT seconds] [ARGS ...] [POSIX])
#       cmocka program, registered with CTest.  Its first label is the folder of test/ it stands in (unit, contract,
#       cli, ...); label `full` keeps it out of tier 1, which all others are in.  `ninja flue_tests_unit` builds the
#       programs of one such folder.  Exit code 77 means skipped.  Nothing happens when tests are not built.
#
# POSIX makes the names of POSIX.1-2008 visible; model/ never uses it.

set(FLUE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>)
if(FLUE_WERROR)
    list(APPEND FLUE_WARNINGS -Werror)
endif()

function(flue_house_rules target posix)
    target_compile_options(${target} PRIVATE ${FLUE_WARNINGS})
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/model)
    if(posix)
        target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L)
    endif()
endfunction()

function(flue_link target)
    foreach(box IN LISTS ARGN)
        target_link_libraries(${target} PUBLIC flue_${box})
    endforeach()
endfunction()

function(flue_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "POSIX" "" "SOURCES;DEPENDS")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "flue_library(${name}): not understood: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    add_library(flue_${name} STATIC ${arg_SOURCES})
    flue_house_rules(flue_${name} ${arg_POSIX})
    target_include_directories(flue_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/..)
    flue_link(flue_${name} ${arg_DEPENDS})
endfunction()

function(flue_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "POSIX" "" "SOURCES;DEPENDS")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "flue_program(${name}): not understood: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    add_executable(${name} ${arg_SOURCES})
    flue_house_rules(${name} ${arg_POSIX})
    flue_link(${name} ${arg_DEPENDS})
endfunction()

function(flue_test)
    cmake_parse_arguments(PARSE_ARGV 0 arg "POSIX" "NAME;TIMEOUT" "SOURCES;DEPENDS;LABELS;ARGS")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "flue_test(${arg_NAME}): not understood: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    if(NOT FLUE_TESTS)
        return()
    endif()
    file(RELATIVE_PATH place ${PROJECT_SOURCE_DIR}/test ${CMAKE_CURRENT_SOURCE_DIR})
    string(REGEX REPLACE "/.*" "" place "${place}")
    set(program test_${place}_${arg_NAME})
    add_executable(${program} ${arg_SOURCES})
    flue_house_rules(${program} ${arg_POSIX})
    target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/test ${FLUE_CMOCKA_INCLUDE})
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test/bin)
    target_link_libraries(${program} PRIVATE flue_support ${FLUE_CMOCKA_LIBRARY})
    flue_link(${program} ${arg_DEPENDS})
    if(NOT TARGET flue_tests_${place})
        add_custom_target(flue_tests_${place})
    endif()
    add_dependencies(flue_tests_${place} ${program})
    add_test(NAME ${place}/${arg_NAME} COMMAND ${program} ${arg_ARGS})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 300)
    endif()
    if(NOT "full" IN_LIST arg_LABELS)
        list(APPEND arg_LABELS tier1)
    endif()
    set_tests_properties(${place}/${arg_NAME} PROPERTIES LABELS "${place};${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
        SKIP_RETURN_CODE 77)
endfunction()
