# SPDX-License-Identifier: GPL-2.0-only
#
# Finds ns-3 for the shim.  Sets FlueNs3_FOUND and FLUE_NS3_VERSION, and makes the target flue_ns3_imports.
#
# Debian's own ns3Config.cmake cannot be used as it is, and cannot be repaired after find_package(), because it fails inside:
# 1. it demands files that libns3-dev does not depend on: helper programs of package ns3, and libgsl.so, libgslcblas.so,
#    libxml2.so and include folders of development packages.  Flue calls none of them;
# 2. it does not export NS3_LOG_ENABLE, with which Debian's libraries are built, although the size of some classes depends on it.
# So headers and libraries are looked for directly, the definition is set here, and --no-as-needed keeps a library that is
# reached only through the name of a TypeId.

find_path(FLUE_NS3_INCLUDE ns3/point-to-point-net-device.h)
set(flue_ns3_libraries "")
set(FlueNs3_FOUND TRUE)
foreach(module core network point-to-point csma bridge internet)
    find_library(FLUE_NS3_LIBRARY_${module} ns3-${module})
    mark_as_advanced(FLUE_NS3_LIBRARY_${module})
    if(NOT FLUE_NS3_LIBRARY_${module})
        set(FlueNs3_FOUND FALSE)
    endif()
    list(APPEND flue_ns3_libraries "${FLUE_NS3_LIBRARY_${module}}")
endforeach()
mark_as_advanced(FLUE_NS3_INCLUDE)
if(NOT FLUE_NS3_INCLUDE OR NOT FlueNs3_FOUND)
    set(FlueNs3_FOUND FALSE)
    return()
endif()

# libns3-core.so -> libns3-core.so.37
file(REAL_PATH "${FLUE_NS3_LIBRARY_core}" flue_ns3_core)
string(REGEX REPLACE ".*\\.so\\.?" "3." FLUE_NS3_VERSION "${flue_ns3_core}")

add_library(flue_ns3_imports INTERFACE)
target_include_directories(flue_ns3_imports SYSTEM INTERFACE ${FLUE_NS3_INCLUDE})
target_link_libraries(flue_ns3_imports INTERFACE -Wl,--no-as-needed ${flue_ns3_libraries} -Wl,--allow-shlib-undefined)
target_compile_definitions(flue_ns3_imports INTERFACE NS3_LOG_ENABLE=1)
