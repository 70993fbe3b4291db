# The fuzz targets' functions over their seeds and findings, without a fuzzer: part of the ordinary tests.
if(TARGET database_io)
  include(${CMAKE_CURRENT_LIST_DIR}/targets.cmake)
  list(TRANSFORM fuzz_targets APPEND _target.cc)
  colmatch_test(fuzz SOURCES corpus_test.cc fuzz_target.cc ${fuzz_targets} LINK plugin_commands)
endif()
