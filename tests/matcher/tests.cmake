# The tests of matcher/, one program a room.
colmatch_test(matcher TORCH
  SOURCES
    device_fallback_test.cc
    devices_test.cc
    feature_extractor_test.cc
    feature_matcher_test.cc
    gpu_test.cc
    matched_list_test.cc
    nearest_neighbor_test.cc
    prefilter_test.cc
    retrieval_test.cc
    tiled_extraction_test.cc
    turn_test.cc
    ../torch_seed.cc
  LINK matcher network util)
colmatch_test(matcher/guidance TORCH
  SOURCES
    local_fit_test.cc
    local_guidance_gpu_test.cc
    local_guidance_test.cc
    ../../torch_seed.cc
  LINK matcher matcher_guidance network network_engines network_kernels)
