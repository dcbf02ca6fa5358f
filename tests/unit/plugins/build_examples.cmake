# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what plugin authors need from BUILD into a fresh folder under WORK, then builds the example plugins against it,
# each as a project of its own. The modules end up in WORK/modules.
file(REMOVE_RECURSE "${WORK}")
foreach(component program sdk)
    execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --component ${component} --prefix "${WORK}/prefix"
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endforeach()
foreach(example example_method example_view)
    file(COPY "${EXAMPLES}/${example}" DESTINATION "${WORK}/source") # away from the tree, so that nothing of it is found
    execute_process(COMMAND "${CMAKE_COMMAND}" -S "${WORK}/source/${example}" -B "${WORK}/${example}" -G "${GENERATOR}"
        "-DCMAKE_PREFIX_PATH=${WORK}/prefix" "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}"
        "-DCMAKE_BUILD_TYPE=${TYPE}" "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror"
        "-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${WORK}/modules" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/${example}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
