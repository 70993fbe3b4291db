// Import of match lists; see matches_import.h.
#include "plugin/matching/matches_import.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "plugin/extraction/database_options.h"
#include "plugin/matching/image_store.h"
#include "plugin/matching/matching_pipeline.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/matching/pair_writer.h"
#include "plugin/pairs/match_list.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/stop_signal.h"
#include "util/error.h"
#include "util/image_names.h"

namespace colmatch {
namespace {

std::ifstream OpenList(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream || std::filesystem::is_directory(path))
    throw UsageError("--match_list_path " + path + ": cannot open the file");
  SkipByteOrderMark(stream, path);
  return stream;
}

std::vector<ListedImage> ListedImages(ColmapDatabase& database, const std::vector<Image>& images) {
  std::vector<ListedImage> listed;
  for (const Image& image : images) {
    const bool has_features = database.HasKeypoints(image.image_id);
    listed.push_back({image.name, has_features ? database.NumKeypoints(image.image_id) : -1});
  }
  return listed;
}

void TellProblems(const std::string& path, const ListProblems& problems, bool any_used,
                  std::vector<SkippedInput>& skipped) {
  const auto all = problems.All();
  if (!any_used && !all.empty()) {
    throw InputError(path + ": nothing in this list can be used; the first problem: " + all[0].name + " " +
                     all[0].reason);
  }
  for (const auto& [name, reason] : all) skipped.push_back({name, reason});
}

// Blocks of matches, pair by pair into the database.
class Importer {
 public:
  Importer(ColmapDatabase& database, const std::vector<Image>& images, MatchListType type,
           const MatchingPipelineOptions& options, const CommonOptions& common, MatchingPipelineStats& stats)
      : database_(database),
        images_(images),
        type_(type),
        stats_(stats),
        store_(database, options.block_size),
        threads_(NumWorkers(common)),
        writer_(database, options, threads_, stats) {}

  void Add(const ListedMatches& block) {
    const Image &image1 = images_[block.first], &image2 = images_[block.second];
    if (block.num_repeated > 0) {
      LogWarning(image1.name + " " + image2.name + ": " + std::to_string(block.num_repeated) +
                 " matches of the list come twice; each is taken once");
    }
    const bool has_matches = database_.HasMatches(image1.image_id, image2.image_id);
    const bool has_geometry = database_.HasTwoViewGeometry(image1.image_id, image2.image_id);
    if ((has_matches || has_geometry) && !AreTheSame(block, has_matches)) {
      stats_.skipped.push_back({image1.name + " " + image2.name, "this pair has other matches already"});
    } else if (has_geometry) {
      ++stats_.already_there;
    } else {
      const VerifiedImage geometry1 = store_.Get(image1, false)->geometry;
      const VerifiedImage geometry2 = store_.Get(image2, false)->geometry;
      if (has_matches) {
        writer_.AddGeometry(geometry1, geometry2, block.matches);
      } else {
        writer_.AddImported(geometry1, geometry2, block.matches);
      }
    }
  }
  void Finish() { writer_.Finish(); }

 private:
  // Whether what is there is what the list says. COLMAP's own importer writes inliers without matches.
  bool AreTheSame(const ListedMatches& block, bool has_matches) {
    const image_t id1 = images_[block.first].image_id, id2 = images_[block.second].image_id;
    if (has_matches) return database_.ReadMatches(id1, id2) == block.matches;
    return type_ == MatchListType::kInliers &&
           database_.ReadTwoViewGeometry(id1, id2).inlier_matches == block.matches;
  }

  ColmapDatabase& database_;
  const std::vector<Image>& images_;
  MatchListType type_;
  MatchingPipelineStats& stats_;
  ImageStore store_;
  DeviceThreads threads_;
  PairWriter writer_;
};

}  // namespace

MatchListType MatchesImportOptions::Type() const {
  if (match_type == "pairs") return MatchListType::kPairs;
  if (match_type == "raw") return MatchListType::kRaw;
  if (match_type == "inliers") return MatchListType::kInliers;
  throw UsageError("--match_type must be pairs, raw or inliers, found " + match_type);
}

PairSourceMaker PairsOfList(const std::string& path, int block_size, std::vector<SkippedInput>& skipped) {
  return [path, block_size, &skipped](ColmapDatabase& database, const std::vector<Image>& images) {
    std::ifstream stream = OpenList(path);
    LineReader lines(stream, path);
    const std::vector<Image> all = database.Images();
    const std::vector<ListedImage> listed = ListedImages(database, all);
    ListProblems problems;
    const auto pairs = ReadPairList(lines, ListedNames(listed), problems);
    TellProblems(path, problems, !pairs.empty(), skipped);
    // Images without features are among the skipped ones already.
    std::map<image_t, int> index_of;
    for (size_t i = 0; i < images.size(); ++i) index_of[images[i].image_id] = static_cast<int>(i);
    std::vector<ImagePair> usable;
    for (const auto& [i, j] : pairs) {
      const auto first = index_of.find(all[i].image_id), second = index_of.find(all[j].image_id);
      if (first != index_of.end() && second != index_of.end())
        usable.emplace_back(first->second, second->second);
    }
    return std::make_unique<ListedPairs>(usable, block_size);
  };
}

MatchingPipelineStats ImportMatches(const MatchesImportOptions& import, const MatchingPipelineOptions& o,
                                    const CommonOptions& common) {
  const MatchListType type = import.Type();
  if (import.block_size < 1) {
    throw UsageError("--ImagePairsMatching.block_size must be at least 1, found " +
                     std::to_string(import.block_size));
  }
  std::ifstream stream = OpenList(import.match_list_path);
  if (type == MatchListType::kPairs) {
    std::vector<SkippedInput> problems;
    MatchingPipelineStats stats =
        MatchPairs(o, common, PairsOfList(import.match_list_path, import.block_size, problems));
    stats.skipped.insert(stats.skipped.end(), problems.begin(), problems.end());
    return stats;
  }
  MatchingPipelineOptions options = o;
  options.geometry.Validate();
  options.skip_geometric_verification = type == MatchListType::kInliers;
  ColmapDatabase database(options.database_path, DatabaseMode::kOpenExisting, ConnectionOptionsOf(common));
  database.CheckWritable();
  database.CompleteFrames();
  const std::vector<Image> images = database.Images();
  const std::vector<ListedImage> listed = ListedImages(database, images);
  const ListedNames names(listed);

  MatchingPipelineStats stats;
  ListProblems problems;
  LineReader lines(stream, import.match_list_path);
  MatchListReader reader(lines, names, problems);
  Importer importer(database, images, type, options, common, stats);
  bool any_used = false;
  ListedMatches block;
  while (!(stats.stopped = StopRequested()) && reader.Next(block)) {
    importer.Add(block);
    any_used = true;
  }
  importer.Finish();
  TellProblems(import.match_list_path, problems, any_used, stats.skipped);
  return stats;
}

}  // namespace colmatch
