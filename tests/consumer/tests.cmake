# The installed program and libraries, as others have them. Most of the time goes into LibTorch's header.
if(UNIX AND NOT COLMATCH_CORE_ONLY)
  add_test(NAME package/TheInstalledProgramRunsAndAConsumerBuilds
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/run.sh ${CMAKE_BINARY_DIR} ${CMAKE_CXX_COMPILER} ${Torch_DIR})
  set_tests_properties(package/TheInstalledProgramRunsAndAConsumerBuilds PROPERTIES TIMEOUT 600)
  find_program(COLMATCH_DPKG_DEB dpkg-deb)
  mark_as_advanced(COLMATCH_DPKG_DEB)
  if(COLMATCH_DPKG_DEB)
    # Both write build/share: one after the other.
    add_test(NAME package/TheDebianPackageRuns COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/deb.sh ${CMAKE_BINARY_DIR})
    set_tests_properties(package/TheInstalledProgramRunsAndAConsumerBuilds package/TheDebianPackageRuns PROPERTIES
      TIMEOUT 600 RESOURCE_LOCK install)
    set_tests_properties(package/TheDebianPackageRuns PROPERTIES SKIP_RETURN_CODE 77)
  endif()
endif()
