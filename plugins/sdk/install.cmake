# SPDX-License-Identifier: GPL-3.0-or-later
# What authors of plugins build against: the program's libraries (component `program`), and as component `sdk` headers and a
# CMake package with Quantoscope::engine and ::sdk.
include(CMakePackageConfigHelpers)

set_target_properties(qscope_engine PROPERTIES EXPORT_NAME engine)
set_target_properties(qscope_sdk PROPERTIES EXPORT_NAME sdk)
foreach(library qscope_engine qscope_sdk)
    target_compile_features(${library} INTERFACE cxx_std_20)
    target_include_directories(${library} INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/quantoscope>")
endforeach()

set_target_properties(qscope_engine qscope_sdk PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS qscope_engine qscope_sdk EXPORT QuantoscopeTargets
    LIBRARY DESTINATION "${QSCOPE_LIBRARY_INSTALL_DIR}" NAMELINK_SKIP)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/engine" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/quantoscope" COMPONENT sdk
    FILES_MATCHING PATTERN "*.h" PATTERN "backend_gpu" EXCLUDE)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/plugins/sdk"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/quantoscope/plugins" COMPONENT sdk
    FILES_MATCHING PATTERN "*.h")

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/Quantoscope")
install(EXPORT QuantoscopeTargets NAMESPACE Quantoscope:: DESTINATION "${package_folder}" COMPONENT sdk)
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/QuantoscopeConfig.cmake.in"
    "${CMAKE_BINARY_DIR}/QuantoscopeConfig.cmake" INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/QuantoscopeConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/QuantoscopeConfig.cmake" "${CMAKE_BINARY_DIR}/QuantoscopeConfigVersion.cmake"
    DESTINATION "${package_folder}" COMPONENT sdk)
