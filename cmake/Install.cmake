# `cmake --install`: the program with weights, manual pages and completion (component `program`), and the libraries of
# util/, network/ and matcher/ for find_package(colmatch) (component `library`). `cpack` makes a .deb of the former.
include(CMakePackageConfigHelpers)

# Weights are found from the program's own place: BIN/../share/colmatch/weights (plugin/runtime/weights_location.cc).
install(TARGETS colmatch RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
# What draws the interactive model of a report, if scripts/fetch_viewer.sh build/release/viewer brought it.
install(FILES ${CMAKE_BINARY_DIR}/viewer/three.min.js DESTINATION ${CMAKE_INSTALL_DATADIR}/colmatch/viewer
        COMPONENT program OPTIONAL)
# Their cards are with the documentation, where the cards' links lead.
install(DIRECTORY weights/ DESTINATION ${CMAKE_INSTALL_DATADIR}/colmatch/weights COMPONENT program
        PATTERN "*.md" EXCLUDE)
# What the README links to, under the same relative names, so that its links hold where it is installed.
install(FILES README.md CHANGELOG.md CONTRIBUTING.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY python/examples DESTINATION ${CMAKE_INSTALL_DOCDIR}/python COMPONENT program)
install(DIRECTORY scripts DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program USE_SOURCE_PERMISSIONS)
install(DIRECTORY weights DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program FILES_MATCHING PATTERN "*.md")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT program)

# Made by the program from its own option tables, at install time: they cannot be out of date.
install(CODE "
  file(REMOVE_RECURSE \"${CMAKE_BINARY_DIR}/share\")
  execute_process(COMMAND \"$<TARGET_FILE:colmatch>\" completion all --output_path \"${CMAKE_BINARY_DIR}/share\"
                  COMMAND_ERROR_IS_FATAL ANY)" COMPONENT program)
install(DIRECTORY ${CMAKE_BINARY_DIR}/share/ DESTINATION ${CMAKE_INSTALL_DATADIR} COMPONENT program)

set(_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/colmatch)
install(TARGETS colmatch_blas util network network_engines network_formats network_kernels matcher matcher_guidance EXPORT colmatchTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/colmatch COMPONENT library)
install(DIRECTORY util network matcher DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/colmatch COMPONENT library
        FILES_MATCHING PATTERN "*.h")
install(EXPORT colmatchTargets NAMESPACE colmatch:: DESTINATION ${_package_dir} COMPONENT library)
configure_package_config_file(cmake/colmatchConfig.cmake.in ${CMAKE_BINARY_DIR}/colmatchConfig.cmake
                              INSTALL_DESTINATION ${_package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/colmatchConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/colmatchConfig.cmake ${CMAKE_BINARY_DIR}/colmatchConfigVersion.cmake
        DESTINATION ${_package_dir} COMPONENT library)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME colmatch)
set(CPACK_PACKAGE_CONTACT "colmatch developers <colmatch@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "SuperPoint and SuperGlue as a front end for COLMAP")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME colmatch)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Another BLAS fulfils libblas' dependencies too, five times slower.
set(CPACK_DEBIAN_PACKAGE_DEPENDS libopenblas0-pthread)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS colmap)
include(CPack)
