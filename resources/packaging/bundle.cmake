# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the installed tree run wherever it lies: adds the libraries, Qt's plugins and fonts that it needs, and their licences.
cmake_minimum_required(VERSION 3.25)
set(root "${CPACK_TEMPORARY_INSTALL_DIRECTORY}")
set(libraries "${root}/${CPACK_QSCOPE_LIBRARIES}")
set(documents "${root}/${CPACK_QSCOPE_DOCUMENTS}")
foreach(tool patchelf dpkg-query)
    find_program(${tool} ${tool} REQUIRED)
endforeach()

# The C library and its loader are the machine's.
set(c_library "^ld-linux.*|^lib(c|m|dl|rt|pthread|resolv|util|anl|mvec|nsl)\\.so\\.[0-9]+$")
# The machine's graphics drivers are loaded into the program and bring these along, so where the machine has them its own
# are taken: they fit its drivers, and are no older than ours wherever its C library is new enough for us.
set(shared_with_drivers "^lib(stdc\\+\\+|gcc_s|GL|EGL|OpenGL|X|xcb|wayland|drm|gbm|expat|z\\.|zstd|lzma|ffi|fontconfig|freetype|png|brotli|bsd\\.|md\\.)")

# 1. Qt's plugins: displays, input methods, pictures. Nothing here draws with OpenGL, so its integrations stay out.
set(plugins "")
foreach(pattern platforms/libqxcb platforms/libqoffscreen platforms/libqwayland-generic wayland-shell-integration/libxdg-shell
        wayland-decoration-client/* platforminputcontexts/* imageformats/* iconengines/*)
    file(GLOB found RELATIVE "${CPACK_QSCOPE_QT_PLUGINS}" "${CPACK_QSCOPE_QT_PLUGINS}/${pattern}.so")
    list(APPEND plugins ${found})
endforeach()
foreach(needed platforms/libqxcb.so platforms/libqoffscreen.so iconengines/libqsvgicon.so)
    if(NOT needed IN_LIST plugins)
        message(FATAL_ERROR "Qt's plugin ${needed} is not in ${CPACK_QSCOPE_QT_PLUGINS}")
    endif()
endforeach()
set(brought "")
foreach(plugin ${plugins})
    get_filename_component(folder "${plugin}" DIRECTORY)
    file(COPY "${CPACK_QSCOPE_QT_PLUGINS}/${plugin}" DESTINATION "${libraries}/qt/${folder}")
    list(APPEND brought "${CPACK_QSCOPE_QT_PLUGINS}/${plugin}")
endforeach()
file(WRITE "${root}/bin/qt.conf" "[Paths]\nPrefix = ../${CPACK_QSCOPE_LIBRARIES}\nPlugins = qt\n")

# 2. Libraries of the programs and of all plugins.
file(GLOB programs "${root}/bin/q*scope")
file(GLOB own "${libraries}/*.so.*")
file(GLOB_RECURSE modules "${libraries}/plugins/*.so" "${libraries}/qt/*.so")
file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${programs} LIBRARIES ${own} MODULES ${modules}
    RESOLVED_DEPENDENCIES_VAR resolved UNRESOLVED_DEPENDENCIES_VAR missing CONFLICTING_DEPENDENCIES_PREFIX conflict
    PRE_EXCLUDE_REGEXES "${c_library}" "^libqscope_" POST_EXCLUDE_REGEXES "^${root}/")
if(missing OR conflict_FILENAMES)
    message(FATAL_ERROR "Libraries that are missing: ${missing}; found twice: ${conflict_FILENAMES}")
endif()
foreach(library ${resolved})
    get_filename_component(name "${library}" NAME)
    set(folder bundled)
    if(name MATCHES "${shared_with_drivers}")
        set(folder fallback)
    endif()
    file(REAL_PATH "${library}" file)
    file(MAKE_DIRECTORY "${libraries}/${folder}")
    file(COPY_FILE "${file}" "${libraries}/${folder}/${name}")
    list(APPEND brought "${file}")
endforeach()

# 3. One search path for everything, the programs': an old-style RPATH also serves the libraries that have none.
set(here "$ORIGIN/../${CPACK_QSCOPE_LIBRARIES}")
set(path "${here}:${here}/bundled")
foreach(folder /usr/lib/${CPACK_QSCOPE_MACHINE} /lib/${CPACK_QSCOPE_MACHINE} /usr/lib64 /lib64 /usr/lib /lib)
    string(APPEND path ":${folder}")
endforeach()
execute_process(COMMAND "${patchelf}" --force-rpath --set-rpath "${path}:${here}/fallback" ${programs} COMMAND_ERROR_IS_FATAL ANY)
file(GLOB others "${libraries}/bundled/*" "${libraries}/fallback/*")
execute_process(COMMAND "${patchelf}" --remove-rpath ${own} ${modules} ${others} COMMAND_ERROR_IS_FATAL ANY)

# 4. Fonts, for machines without any.
set(fonts "${root}/share/quantoscope/fonts")
foreach(font DejaVuSans DejaVuSans-Bold DejaVuSansMono)
    file(COPY "/usr/share/fonts/truetype/dejavu/${font}.ttf" DESTINATION "${fonts}")
    list(APPEND brought "/usr/share/fonts/truetype/dejavu/${font}.ttf")
endforeach()
file(COPY "${CPACK_QSCOPE_SOURCE}/fonts.conf" DESTINATION "${fonts}")

# 5. Licences and versions of all that was brought along.
list(TRANSFORM brought REPLACE "^(/usr)?/" "*/") # the database may know /usr/lib as /lib
list(REMOVE_DUPLICATES brought)
execute_process(COMMAND "${dpkg-query}" --search ${brought} OUTPUT_VARIABLE owners COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" owners "${owners}")
list(TRANSFORM owners REPLACE ":.*" "")
list(REMOVE_DUPLICATES owners)
execute_process(COMMAND "${dpkg-query}" --show --showformat "\${source:Package} \${source:Version}: \${Package}\n" ${owners}
    OUTPUT_FILE "${documents}/bundled.txt" COMMAND_ERROR_IS_FATAL ANY)
foreach(package ${owners})
    file(COPY "/usr/share/doc/${package}/copyright" DESTINATION "${documents}/bundled/${package}" FOLLOW_SYMLINK_CHAIN)
endforeach()
file(COPY /usr/share/common-licenses DESTINATION "${documents}/bundled")
file(COPY "${CPACK_RESOURCE_FILE_LICENSE}" DESTINATION "${documents}")

# 6. What one starts.
foreach(program quantoscope qscope)
    file(CREATE_LINK "bin/${program}" "${root}/${program}" SYMBOLIC)
endforeach()
