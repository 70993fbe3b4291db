# The tests of network/. The golden tensors are deflated: zlib, which every development machine has.
find_package(ZLIB REQUIRED)
colmatch_test(network
  SOURCES
    ../util/atomic_file_test.cc
    engines/attention_test.cc
    kernels/bf16_convolution_test.cc
    kernels/bf16_test.cc
    kernels/candidate_transport_test.cc
    kernels/candidates_test.cc
    checkpoint_import_test.cc
    ../util/crc32_test.cc
    formats/entropy_coder_test.cc
    flops_test.cc
    golden_test.cc
    hessian_response_test.cc
    image_pyramid_test.cc
    kernels/int8_attention_test.cc
    kernels/int8_linear_test.cc
    keypoint_code_test.cc
    keypoints_test.cc
    npz_reader.cc
    formats/pth_reader_test.cc
    formats/safetensors_test.cc
    sinkhorn_test.cc
    engines/superglue_batch_test.cc
    superglue_test.cc
    superpoint_test.cc
    formats/tensor_coding_test.cc
    kernels/tile_products_test.cc
    kernels/transport_gpu_test.cc
    kernels/transport_kernel_test.cc
    engines/transport_test.cc
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
