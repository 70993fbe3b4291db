// Training shards and views of reconstructions: training/data/shards.h, reconstruction.h, util/byte_stream.h.
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/fuzz/fuzz_target.h"
#include "training/data/reconstruction.h"
#include "training/data/shards.h"

namespace colmatch {
namespace {

bool Run(std::string_view input) {
  const InputFile file(input);
  const bool shard = Accepted([&] { ReadShards({file.path()}); });
  const bool views = Accepted([&] { ReadReconstruction(file.path()); });
  return shard || views;
}

template <typename Write>
std::string Written(const Write& write) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("colmatch_seed_" + std::to_string(getpid()))).string();
  write(path);
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::filesystem::remove(path);
  return bytes;
}

std::vector<std::string> Seeds() {
  const std::vector<uint8_t> pixels(12, 7);
  const std::vector<ShardPhoto> photos = {{"a.jpg", "set", 1, 4, 3, pixels, {{1, 2, 0.5F}}},
                                          {"b", "set", 2, 4, 3, pixels, {}}};
  const std::vector<ReconstructedView> views = {
      {"a.jpg", 4, 3, pixels, {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}, {{5, 1, 2, 3}}}};
  return {Written([&](const std::string& path) { WriteShard(path, photos); }),
          Written([&](const std::string& path) { WriteShard(path, {}); }),
          Written([&](const std::string& path) { WriteReconstruction(path, views); })};
}

const RegisterFuzzTarget registered({"training_files", Run, Seeds});

}  // namespace
}  // namespace colmatch
