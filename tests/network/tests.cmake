# The tests of network/. The golden tensors are deflated: zlib, which every development machine has.
find_package(ZLIB REQUIRED)
colmatch_test(network
  SOURCES
    atomic_file_test.cc
    attention_test.cc
    bf16_convolution_test.cc
    bf16_test.cc
    candidate_transport_test.cc
    candidates_test.cc
    checkpoint_import_test.cc
    crc32_test.cc
    entropy_coder_test.cc
    flops_test.cc
    golden_test.cc
    hessian_response_test.cc
    image_pyramid_test.cc
    int8_attention_test.cc
    int8_linear_test.cc
    keypoint_code_test.cc
    keypoints_test.cc
    npz_reader.cc
    pth_reader_test.cc
    safetensors_test.cc
    sinkhorn_test.cc
    superglue_batch_test.cc
    superglue_test.cc
    superpoint_test.cc
    tensor_coding_test.cc
    tile_products_test.cc
    transport_gpu_test.cc
    transport_kernel_test.cc
    transport_test.cc
    weights_test.cc
    ../torch_seed.cc
  LINK network ZLIB::ZLIB TORCH)
colmatch_torch_pch(network_test)
set_source_files_properties(
  ${CMAKE_CURRENT_SOURCE_DIR}/gtest_main.cc ${CMAKE_CURRENT_SOURCE_DIR}/network/atomic_file_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/network/bf16_convolution_test.cc ${CMAKE_CURRENT_SOURCE_DIR}/network/bf16_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/network/candidates_test.cc ${CMAKE_CURRENT_SOURCE_DIR}/network/crc32_test.cc ${CMAKE_CURRENT_SOURCE_DIR}/network/entropy_coder_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/network/int8_attention_test.cc ${CMAKE_CURRENT_SOURCE_DIR}/network/int8_linear_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/network/tile_products_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/network/tensor_coding_test.cc ${CMAKE_CURRENT_SOURCE_DIR}/network/transport_kernel_test.cc ${CMAKE_CURRENT_SOURCE_DIR}/network/pth_reader_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/network/safetensors_test.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
