# The tests of network/, one program a room.
# The golden tensors and metrics.npz are deflated: zlib, which every development machine has.
find_package(ZLIB REQUIRED)
colmatch_test(network TORCH
  SOURCES
    attention_test.cc
    checkpoint_import_test.cc
    flops_test.cc
    golden_test.cc
    hessian_response_test.cc
    image_pyramid_test.cc
    keypoint_code_test.cc
    keypoints_test.cc
    optimal_transport_test.cc
    place_suppression_test.cc
    superglue_test.cc
    superpoint_test.cc
    weights_test.cc
    ../network/npz_reader.cc
    ../torch_seed.cc
  LINK network network_engines network_formats network_kernels util ZLIB::ZLIB)
colmatch_test(network/engines TORCH
  SOURCES
    batched_superglue_test.cc
    packed_networks_test.cc
    transport_test.cc
    ../../torch_seed.cc
  LINK network network_engines network_kernels)
colmatch_test(network/formats
  SOURCES
    entropy_coder_test.cc
    pth_reader_test.cc
    safetensors_test.cc
    tensor_coding_test.cc
  LINK network_formats util)
colmatch_test(network/kernels TORCH
  SOURCES
    bf16_convolution_test.cc
    bf16_test.cc
    candidate_transport_test.cc
    candidates_test.cc
    int8_attention_test.cc
    int8_linear_test.cc
    tile_products_test.cc
    transport_gpu_test.cc
    transport_kernel_test.cc
    ../../torch_seed.cc
  LINK network_engines network_kernels util network)
