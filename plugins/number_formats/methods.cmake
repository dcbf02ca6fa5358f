# SPDX-License-Identifier: GPL-3.0-or-later
# The methods without the module around them, compiled once for it and for the tests, which are built without Qt too.
include_guard(GLOBAL)
find_package(Eigen3 REQUIRED)
set(sources bitmod_method block_float_method blocks_method equalize_method grid_rounding learned_float_methods
    learned_rounding level_method levels_method llmfp4_method min_max minifloat_method post_method)
list(TRANSFORM sources PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
list(TRANSFORM sources APPEND .cpp)
add_library(qscope_number_formats STATIC ${sources})
target_link_libraries(qscope_number_formats PUBLIC qscope_flags qscope_engine PRIVATE Eigen3::Eigen)
set_target_properties(qscope_number_formats PROPERTIES AUTOMOC OFF POSITION_INDEPENDENT_CODE ON UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
