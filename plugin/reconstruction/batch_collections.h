// The collections of `colmatch batch_reconstructor`: where they are, which inputs they have, and the results
// of earlier runs (collection.json in the collection's folder of the workspace).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "plugin/report/report.h"

namespace colmatch {

struct Collection {
  std::string name;              // of the sub-folder
  std::filesystem::path images;  // the sub-folder, or its images/ if it has one
  std::filesystem::path truth;   // gt/ beside images/; empty: none
};

// The sub-folders of `collections`, sorted by name, without hidden folders and the workspace itself. Throws
// UsageError if the folder is missing or has no sub-folder, or if the workspace lies inside a collection.
std::vector<Collection> FindCollections(const std::filesystem::path& collections,
                                        const std::filesystem::path& workspace);

// Everything that determines a collection's result.
struct CollectionInputs {
  std::string options;                        // options and weights, as one text
  std::map<std::string, std::string> photos;  // name -> size and modification time
  std::map<std::string, std::string> truth;   // the same for the true cameras
};

// Throws UsageError if there is no photo.
CollectionInputs ReadInputs(const Collection& collection, const std::string& options);

enum class CollectionState { kPending, kStarted, kDone, kFailed };
const char* NameOf(CollectionState state);  // pending, started, done, failed

struct CollectionRecord {
  CollectionState state = CollectionState::kPending;
  CollectionInputs inputs;
  int num_images = 0;      // photos found, unusable ones included
  int num_registered = 0;  // in the largest model
  int num_models = 0;
  int num_pairs = 0, num_verified_pairs = 0;
  uint64_t num_points = 0;           // of the largest model
  double reprojection_error_px = 0;  // of the largest model, mean
  double seconds = 0;                // of the run that completed the collection
  std::vector<ReportSkipped> skipped;
  std::string reason;               // why it failed, or why there is no model
  std::vector<std::string> advice;  // what the user can do about the reason
};

// Reads a record. A missing or unreadable file gives a pending collection, which is then processed again.
CollectionRecord ReadRecord(const std::filesystem::path& folder);

// Writes atomically and creates the folder. Throws EnvironmentError.
void WriteRecord(const CollectionRecord& record, const std::filesystem::path& folder);

enum class NextStep {
  kNothing,   // the collection is finished, and nothing has changed since
  kGoOn,      // the database in the folder is still valid
  kStartNew,  // the database cannot be used: options changed, or photos that it contains
};
NextStep Decide(const CollectionRecord& before, const CollectionInputs& now);

// Renames the folder to FOLDER.oldN, where N is the next free number. Returns the new name.
std::filesystem::path MoveAside(const std::filesystem::path& folder);

}  // namespace colmatch
