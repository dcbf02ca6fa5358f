# SPDX-License-Identifier: GPL-3.0-or-later
# Gives the installed tree the form that Debian wants: manual and changelog compressed, a licence for every package.
cmake_minimum_required(VERSION 3.25)
set(root "${CPACK_TEMPORARY_INSTALL_DIRECTORY}")
file(GLOB texts "${root}/program/usr/${CPACK_QSCOPE_MANUAL}/man1/*.1")
file(RENAME "${root}/program/usr/${CPACK_QSCOPE_DOCUMENTS}/CHANGELOG.md" "${root}/program/usr/${CPACK_QSCOPE_DOCUMENTS}/changelog")
execute_process(COMMAND gzip -9n ${texts} "${root}/program/usr/${CPACK_QSCOPE_DOCUMENTS}/changelog" COMMAND_ERROR_IS_FATAL ANY)
file(COPY "${root}/program/usr/${CPACK_QSCOPE_DOCUMENTS}/copyright" DESTINATION "${root}/sdk/usr/share/doc/quantoscope-dev")
