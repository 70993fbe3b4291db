# A build by pip without a compiler ends here, with the one error of PythonBuild.cmake.
find_program(COLMATCH_COMPILER NAMES $ENV{CXX} ${CMAKE_CXX_COMPILER} c++ g++ clang++)
mark_as_advanced(COLMATCH_COMPILER)
if(NOT COLMATCH_COMPILER)
  set(COLMATCH_MISSING_COMPILER g++ clang)
  include(PythonBuild)
endif()
