// Manifests and blocks; see cluster_plan.h.
#include "plugin/cluster/cluster_plan.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "util/atomic_file.h"
#include "util/byte_stream.h"
#include "util/error.h"
#include "util/read_file.h"
#include "util/sha256.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;

const char* NameOf(PlanKind kind) { return kind == PlanKind::kFeatures ? "features" : "matches"; }

Json ToJson(const Manifest& m) {
  Json blocks = Json::array();
  for (const PlannedBlock& b : m.blocks) {
    blocks.push_back({{"offset", b.place.offset},
                      {"size", b.place.size},
                      {"sha256", b.sha256},
                      {"items", b.num_items},
                      {"images", b.num_images}});
  }
  return {{"format", kFormat},
          {"kind", NameOf(m.kind)},
          {"colmatch", m.version},
          {"options", m.options},
          {"weights", m.weights},
          {"weights_sha256", m.weights_sha256},
          {"provenance", m.provenance},
          {"precision", m.precision},
          {"random_seed", m.random_seed},
          {"image_path", m.image_path},
          {"request", m.request},
          {"feature_files", m.feature_files},
          {"blocks", blocks}};
}

Manifest FromJson(const Json& json) {
  Manifest m;
  m.kind = json.at("kind") == "features" ? PlanKind::kFeatures : PlanKind::kMatches;
  json.at("colmatch").get_to(m.version);
  json.at("options").get_to(m.options);
  json.at("weights").get_to(m.weights);
  json.at("weights_sha256").get_to(m.weights_sha256);
  json.at("provenance").get_to(m.provenance);
  json.at("precision").get_to(m.precision);
  json.at("random_seed").get_to(m.random_seed);
  json.at("image_path").get_to(m.image_path);
  json.at("request").get_to(m.request);
  json.at("feature_files").get_to(m.feature_files);
  for (const Json& b : json.at("blocks")) {
    PlannedBlock block;
    b.at("offset").get_to(block.place.offset);
    b.at("size").get_to(block.place.size);
    b.at("sha256").get_to(block.sha256);
    b.at("items").get_to(block.num_items);
    b.at("images").get_to(block.num_images);
    m.blocks.push_back(block);
  }
  return m;
}

std::string ReadBlockRecord(const Manifest& manifest, int block) {
  const auto count = static_cast<int>(manifest.blocks.size());
  if (block < 0 || block >= count) {
    throw UsageError("--block " + std::to_string(block) + ": the plan " + manifest.folder + " has " +
                     std::to_string(count) + " blocks, from 0");
  }
  const PlannedBlock& planned = manifest.blocks[block];
  const std::string path = BlocksPath(manifest.folder);
  std::string bytes = RecordReader(path).At(planned.place);
  if (Sha256Hex(bytes) != planned.sha256)
    throw InputError(path + ": block " + std::to_string(block) + " is not the manifest's; plan again");
  return bytes;
}

void PutCamera(ByteWriter& out, const Camera& c) {
  out.Put(c.camera_id);
  out.Put(int32_t{c.model_id});
  out.Put(c.width);
  out.Put(c.height);
  out.Put(static_cast<uint8_t>(c.has_prior_focal_length));
  out.PutList(c.params);
}

Camera GetCamera(ByteReader& in) {
  Camera c;
  c.camera_id = in.Get<camera_t>();
  c.model_id = in.Get<int32_t>();
  c.width = in.Get<int64_t>();
  c.height = in.Get<int64_t>();
  c.has_prior_focal_length = in.Get<uint8_t>() != 0;
  c.params = in.GetList<double>();
  return c;
}

void PutImage(ByteWriter& out, const BlockImage& i) {
  out.Put(i.image_id);
  out.PutText(i.name);
  for (const uint32_t value : {i.camera, i.num_keypoints, i.provenance_crc, i.file}) out.Put(value);
  out.Put(i.place.offset);
  out.Put(i.place.size);
}

BlockImage GetImage(ByteReader& in) {
  BlockImage i;
  i.image_id = in.Get<image_t>();
  i.name = in.GetText();
  for (uint32_t* value : {&i.camera, &i.num_keypoints, &i.provenance_crc, &i.file})
    *value = in.Get<uint32_t>();
  i.place.offset = in.Get<uint64_t>();
  i.place.size = in.Get<uint32_t>();
  return i;
}

}  // namespace

std::string ManifestPath(const std::string& folder) { return (fs::path(folder) / "manifest.json").string(); }
std::string BlocksPath(const std::string& folder) { return (fs::path(folder) / "blocks.cmr").string(); }

std::string Manifest::ShardPath(int block) const {
  char name[32];
  std::snprintf(name, sizeof(name), "block_%04d.cmr", block);
  return (fs::path(folder) / "shards" / name).string();
}

std::string Manifest::ShardHeader(int block) const {
  return std::string(NameOf(kind)) + " manifest " + hash + " block " + std::to_string(block);
}

void WriteManifest(const Manifest& manifest, const std::string& folder) {
  MakeFolder((fs::path(folder) / "shards").string());
  WriteFileAtomically(ManifestPath(folder), ToJson(manifest).dump(1) + "\n");
}

Manifest ReadManifest(const std::string& given, const PlanKind* kind) {
  const std::string path = fs::is_directory(given) ? ManifestPath(given) : given;
  if (!fs::exists(path)) {
    throw EnvironmentError("there is no manifest " + path +
                           "; run colmatch plan, or look why it ended without one");
  }
  const std::string bytes = ReadWholeFile(path);
  Manifest manifest;
  try {
    const Json json = Json::parse(bytes);
    const int format = json.at("format");
    if (format != kFormat) {
      throw InputError(path + " has format " + std::to_string(format) + ", this colmatch knows " +
                       std::to_string(kFormat) + "; use the colmatch that made it");
    }
    manifest = FromJson(json);
  } catch (const nlohmann::json::exception& error) {
    throw InputError(path + ": no manifest of colmatch plan, or damaged (" + error.what() + ")");
  }
  if (manifest.version != COLMATCH_VERSION) {
    throw InputError(path + " was made by colmatch " + manifest.version +
                     ", this is " COLMATCH_VERSION
                     ": rows of two versions are not mixed; use that version, or plan into another folder");
  }
  if (kind != nullptr && *kind != manifest.kind) {
    throw UsageError(path + " plans " + NameOf(manifest.kind) + "; expected a plan of " + NameOf(*kind) +
                     ": extract_block works on features, match_block on matches");
  }
  manifest.folder = fs::path(path).parent_path().string();
  if (manifest.folder.empty()) manifest.folder = ".";
  manifest.hash = Sha256Hex(bytes);
  return manifest;
}

std::string EncodeMatchBlock(const MatchBlock& block) {
  ByteWriter out;
  out.Put(static_cast<uint32_t>(block.cameras.size()));
  for (const Camera& camera : block.cameras) PutCamera(out, camera);
  out.Put(static_cast<uint32_t>(block.images.size()));
  for (const BlockImage& image : block.images) PutImage(out, image);
  out.Put(static_cast<uint32_t>(block.pairs.size()));
  for (const auto& [i, j] : block.pairs) {
    out.Put(i);
    out.Put(j);
  }
  return out.bytes();
}

MatchBlock ReadMatchBlock(const Manifest& manifest, int block) {
  const std::string bytes = ReadBlockRecord(manifest, block);
  ByteReader in(bytes, BlocksPath(manifest.folder));
  MatchBlock result;
  result.cameras.resize(in.GetCount(33));
  for (Camera& camera : result.cameras) camera = GetCamera(in);
  result.images.resize(in.GetCount(36));
  for (BlockImage& image : result.images) image = GetImage(in);
  result.pairs.resize(in.GetCount(8));
  for (auto& [i, j] : result.pairs) {
    i = in.Get<uint32_t>();
    j = in.Get<uint32_t>();
  }
  in.ExpectEnd();
  return result;
}

std::string EncodePhotoBlock(const std::vector<std::string>& names) {
  ByteWriter out;
  out.Put(static_cast<uint32_t>(names.size()));
  for (const std::string& name : names) out.PutText(name);
  return out.bytes();
}

std::vector<std::string> ReadPhotoBlock(const Manifest& manifest, int block) {
  const std::string bytes = ReadBlockRecord(manifest, block);
  ByteReader in(bytes, BlocksPath(manifest.folder));
  std::vector<std::string> names(in.GetCount(4));
  for (std::string& name : names) name = in.GetText();
  in.ExpectEnd();
  return names;
}

ShardState StateOfShard(const Manifest& manifest, int block, bool thorough) {
  const std::string path = manifest.ShardPath(block);
  if (!fs::exists(path)) return ShardState::kMissing;
  try {
    RecordReader shard(path);
    if (shard.header() != manifest.ShardHeader(block)) return ShardState::kOfAnotherPlan;
    for (std::string record; thorough && shard.Next(record);) {
    }
    return ShardState::kWhole;
  } catch (const InputError&) {
    return ShardState::kDamaged;
  }
}

}  // namespace colmatch
