# SPDX-License-Identifier: GPL-3.0-or-later
# Read once for every kind of package.
if(CPACK_GENERATOR STREQUAL "DEB")
    set(CPACK_DEB_COMPONENT_INSTALL ON)
    set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
    set(CPACK_PRE_BUILD_SCRIPTS "${CPACK_QSCOPE_SOURCE}/debian.cmake")
else()
    list(GET CPACK_INSTALL_CMAKE_PROJECTS 0 build)
    set(CPACK_INSTALL_CMAKE_PROJECTS "${build};Quantoscope;program;/")
    set(CPACK_PRE_BUILD_SCRIPTS "${CPACK_QSCOPE_SOURCE}/bundle.cmake")
endif()
