// What `colmatch plan` writes and the tasks of a cluster read: a manifest (JSON) beside a record file with
// one record a block. A task is a pure function of the two. Bytes: docs/cluster_files.md.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "plugin/cluster/record_file.h"
#include "util/colmap_types.h"

namespace colmatch {

enum class PlanKind { kFeatures, kMatches };

// One block in the manifest: its record, by place and content.
struct PlannedBlock {
  RecordPlace place;
  std::string sha256;      // of the record's bytes
  int64_t num_items = 0;   // photos or pairs
  int64_t num_images = 0;  // that the task reads
};

struct Manifest {
  PlanKind kind = PlanKind::kMatches;
  std::string version;               // of the colmatch that made it
  std::vector<std::string> options;  // of the command line: "--name", "value", ...; paths are absolute
  std::string weights;               // --weights, as given; a task may be given another place
  std::string weights_sha256;        // of the network the tasks run; empty: they need none
  std::string provenance;            // what will stand beside every row
  std::string precision;
  uint64_t random_seed = 0;
  std::string image_path;                  // kFeatures
  std::string request;                     // SHA-256 of all that was requested
  std::vector<std::string> feature_files;  // kMatches: record files, relative to the manifest's folder
  std::vector<PlannedBlock> blocks;

  std::string folder;  // where it was read from
  std::string hash;    // SHA-256 of its bytes: names everything above, and by it the blocks

  // "folder/shards/block_0007.cmr"
  std::string ShardPath(int block) const;
  // The header of that file.
  std::string ShardHeader(int block) const;
};

// Files of a plan's folder.
std::string ManifestPath(const std::string& folder);
std::string BlocksPath(const std::string& folder);

// Writes it atomically, last: a folder with a manifest is a whole plan.
void WriteManifest(const Manifest& manifest, const std::string& folder);

// path: the file or its folder. Throws EnvironmentError if there is none, InputError if it is damaged, made
// by another version, or not of this kind (`kind` may be null: any).
Manifest ReadManifest(const std::string& path, const PlanKind* kind = nullptr);

// One photo or image as a block names it.
struct BlockImage {
  image_t image_id = 0;
  std::string name;
  uint32_t camera = 0;         // index into MatchBlock::cameras
  uint32_t num_keypoints = 0;  // and the checksum of what made them: so merge knows the features again
  uint32_t provenance_crc = 0;
  uint32_t file = 0;  // index into Manifest::feature_files
  RecordPlace place;  // in that file
};

struct MatchBlock {
  std::vector<Camera> cameras;
  std::vector<BlockImage> images;
  std::vector<std::pair<uint32_t, uint32_t>> pairs;  // indices into images, image_id rising
};

std::string EncodeMatchBlock(const MatchBlock& block);
// Reads and checks the block's record against the manifest. Throws UsageError for a block that is not in the
// plan, InputError for a damaged file.
MatchBlock ReadMatchBlock(const Manifest& manifest, int block);
std::vector<std::string> ReadPhotoBlock(const Manifest& manifest, int block);
std::string EncodePhotoBlock(const std::vector<std::string>& names);

// The shard of a block: by its header and end mark; thorough: by the checksum of every record too.
enum class ShardState { kMissing, kWhole, kDamaged, kOfAnotherPlan };
ShardState StateOfShard(const Manifest& manifest, int block, bool thorough);

}  // namespace colmatch
