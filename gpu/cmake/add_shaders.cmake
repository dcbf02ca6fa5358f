# SPDX-License-Identifier: GPL-3.0-or-later
find_program(GLSLC glslc REQUIRED)

# One compute shader as a list of words in the build tree, for `#include "gpu/shaders/<name>.inc"`:
# qscope_shader(<target> <name> <source> [definitions...])
function(qscope_shader target name source)
    set(folder "${CMAKE_BINARY_DIR}/shaders")
    set(out "${folder}/gpu/shaders/${name}.inc")
    cmake_path(ABSOLUTE_PATH source OUTPUT_VARIABLE path)
    set(definitions ${ARGN})
    list(TRANSFORM definitions PREPEND -D)
    file(MAKE_DIRECTORY "${folder}/gpu/shaders")
    add_custom_command(OUTPUT "${out}" DEPENDS "${path}" DEPFILE "${out}.d" VERBATIM
        COMMAND "${GLSLC}" --target-env=vulkan1.2 -O -Werror -mfmt=num ${definitions}
            -MD -MF "${out}.d" -MT "${out}" "${path}" -o "${out}"
        COMMENT "Compiling shader ${name}")
    target_sources(${target} PRIVATE "${out}")
    target_include_directories(${target} PRIVATE "${folder}")
endfunction()
