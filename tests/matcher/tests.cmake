# The tests of matcher/.
colmatch_test(matcher
  SOURCES
    device_fallback_test.cc
    devices_test.cc
    frontend_test.cc
    gpu_test.cc
    guidance/local_fit_test.cc
    guidance/local_guidance_gpu_test.cc
    guidance/local_guidance_test.cc
    nearest_neighbor_test.cc
    prefilter_test.cc
    retrieval_test.cc
    tiled_extraction_test.cc
    turn_test.cc
    ../torch_seed.cc
  LINK matcher)
colmatch_torch_pch(matcher_test)
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/gtest_main.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
