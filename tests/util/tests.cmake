# The tests of util/, one program a room.
# The golden tensors and metrics.npz are deflated: zlib, which every development machine has.
find_package(ZLIB REQUIRED)
colmatch_test(util TORCH
  SOURCES
    atomic_file_test.cc
    crc32_test.cc
    lru_cache_test.cc
    npz_writer_test.cc
    random_test.cc
    ../network/npz_reader.cc
    ../torch_seed.cc
  LINK util ZLIB::ZLIB network)
