// What all matching commands share: the matcher with its weights, the images, and what is said beside a
// pair's rows of how they were made.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "database_io/colmap_database.h"
#include "matcher/matcher_list.h"
#include "plugin/matching/caching_matcher.h"
#include "plugin/matching/matching_job.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

// What all matchers of a command are made of: the weights, read once, and the options.
class MatcherParts {
 public:
  // Reads the weights, which `used` then describes. Throws UsageError where the matcher is superglue and
  // --weights names none.
  MatcherParts(const MatchingPipelineOptions& options, const CommonOptions& common, UsedWeights& used);

  // Any thread: the matcher computes with a copy of the network.
  std::unique_ptr<FeatureMatcher> On(torch::Device device) const;
  // One a worker on the devices of the options, cpu_workers of them on the CPU. num_prepared: images that
  // stay prepared, of each GPU worker or of all CPU workers together.
  MatcherPool Pool(int cpu_workers, size_t num_prepared) const;
  bool OnCpu() const { return devices_.front().is_cpu(); }
  // One line in the log where pairs were not given to SuperGlue, once all are matched.
  void SaySkippedPairs() const;

 private:
  LoadedSuperGlue weights_;
  MatcherOptions options_;
  std::vector<torch::Device> devices_;
  MemoryShortageHandler on_shortage_;                  // one, which speaks once for all
  std::shared_ptr<PrefilterCounts> prefilter_counts_;  // of all matchers
};

// The threads on which pairs are verified: those of matchers on the CPU, else threads of their own.
class VerificationThreads {
 public:
  VerificationThreads(MatcherPool& matchers, bool on_cpu, const CommonOptions& common);
  DeviceThreads& threads() { return *threads_; }

 private:
  std::optional<DeviceThreads> own_;
  DeviceThreads* threads_;
};

// Images that have features, by id; the others are named in the stats.
std::vector<Image> ImagesWithFeatures(ColmapDatabase& database, MatchingPipelineStats& stats);

// Workers on the CPU that the memory suffices for, by the two images with the most keypoints. Throws
// EnvironmentError, before any work, if it does not suffice for one. On a GPU nothing is checked.
int WorkersForPairs(ColmapDatabase& database, const std::vector<Image>& images, const CommonOptions& common);

// One line in the log where features have no note of what made them.
void TellOfUnknownFeatures(ColmapDatabase& database, const std::vector<Image>& images);

// What made the image's features. Where nothing is noted (COLMAP's database_merger leaves colmatch's tables
// out) and they may be colmatch's by their form, "unknown" and the same score for all. Throws UsageError
// where they may not.
Provenance ProvenanceOfFeatures(ColmapDatabase& database, const Image& image);

// Everything that decides the matches, as one line beside each row. weights: SuperGlue's, not read for other
// matchers.
std::string MatchingProvenance(const MatchingPipelineOptions& options, const CommonOptions& common,
                               const UsedWeights& weights);

// The same after rotated_matcher has tried the pair: the second photo rotated by so many quarter turns.
std::string RotatedProvenance(const std::string& provenance, int quarter_turns);

struct PairState {
  bool matched = false, has_geometry = false;  // has_geometry: also one without inliers
  bool ours = false;                           // the matches were made by colmatch
  bool rotated = false;                        // tried by rotated_matcher
  bool outdated = false;  // rows are there, of features that were made anew since: not done
  // A geometry without matches is one that another program imported as verified; it stays.
  bool IsDone() const { return has_geometry; }
};

// Throws UsageError where the pair's rows are of other weights or options.
PairState StateOf(ColmapDatabase& database, const Image& a, const Image& b, const std::string& provenance);

}  // namespace colmatch
