# SPDX-License-Identifier: GPL-2.0-only
#
#   flue_pkg_config(x DESCRIPTION "..." [LIBDIR dir] [CFLAGS ...] [LIBS ...] [COMPONENT c])
#       Installs x.pc: `pkg-config --cflags --libs x` then tells how programs of others are compiled.  LIBDIR: where
#       the libraries stand (lib).  It is written when it is installed: only then the prefix is known (--prefix).
include_guard(GLOBAL)
include(GNUInstallDirs)

function(flue_pkg_config name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "DESCRIPTION;LIBDIR;COMPONENT" "CFLAGS;LIBS")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_DESCRIPTION)
        message(FATAL_ERROR "flue_pkg_config(${name}): not understood: ${ARGN}")
    endif()
    if(NOT arg_LIBDIR)
        set(arg_LIBDIR ${CMAKE_INSTALL_LIBDIR})
    endif()
    list(JOIN arg_LIBS " " libs)
    list(PREPEND arg_CFLAGS -I\${includedir})
    list(JOIN arg_CFLAGS " " cflags)
    set(component "")
    if(arg_COMPONENT)
        set(component COMPONENT ${arg_COMPONENT})
    endif()
    set(template ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc.in)
    file(WRITE ${template} "prefix=@CMAKE_INSTALL_PREFIX@
bindir=\${prefix}/${CMAKE_INSTALL_BINDIR}
includedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}
libdir=\${prefix}/${arg_LIBDIR}

Name: ${name}
Description: ${arg_DESCRIPTION}
Version: ${PROJECT_VERSION}
License: GPL-2.0-only
Cflags: ${cflags}
Libs: ${libs}
")
    install(CODE "configure_file(\"${template}\"
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig/${name}.pc\" @ONLY)" ${component})
endfunction()
