// Matches of features in Python's memory; see sessions.h.
#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "matcher/devices.h"
#include "matcher/matched_list.h"
#include "matcher/matcher_list.h"
#include "matcher/memory_needs.h"
#include "plugin/extraction/photo_extractor.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/runtime/memory.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "python/native/session_options.h"
#include "python/native/sessions.h"
#include "python/native/tensors.h"
#include "util/error.h"

namespace colmatch {
namespace {

// As the network saw them.
Features AsSeen(const FeatureArrays& arrays) { return AsTurned(ToFeatures(arrays), arrays.quarter_turns); }

MatchArrays ToArrays(const FeatureMatches& matches) {
  MatchArrays arrays;
  for (const MatchedPair& match : ListMatches(matches)) {
    arrays.matches.push_back(match.index0);
    arrays.matches.push_back(match.index1);
    arrays.scores.push_back(match.confidence);
  }
  return arrays;
}

void RequireMemory(const FeatureArrays& features0, const FeatureArrays& features1) {
  constexpr int64_t kNeverTooMany = 4096;  // keypoints
  if (std::max(features0.num_keypoints, features1.num_keypoints) <= kNeverTooMany) return;
  const uint64_t needed = MatchingMemory(features0.num_keypoints, features1.num_keypoints);
  const auto available = AvailableMemory();
  if (!available || needed <= *available) return;
  throw EnvironmentError("matching " + std::to_string(features0.num_keypoints) + " with " +
                         std::to_string(features1.num_keypoints) + " keypoints needs about " +
                         MemoryText(needed) + " of memory, " + MemoryText(*available) +
                         " are left: extract fewer (max_num_features), or use another machine");
}

}  // namespace

struct MatcherSession::State {
  explicit State(const std::vector<std::string>& arguments) {
    ParseSessionOptions(arguments, options);
    const ThreadsInUse threads(NumWorkers(options.common));
    device = DeviceFromName(options.common.device);
    pipeline = options.matching.Resolve();
    parts = std::make_unique<MatcherParts>(pipeline, options.common, weights);
    matchers.push_back(Make());
  }

  std::unique_ptr<FeatureMatcher> Make() { return parts->On(*device); }

  // One a thread; on a GPU one.
  size_t NumMatchersFor(size_t num_pairs) {
    const size_t wanted = device->is_cpu() ? static_cast<size_t>(NumWorkers(options.common)) : 1;
    const size_t count = std::max<size_t>(1, std::min(wanted, num_pairs));
    while (matchers.size() < count) matchers.push_back(Make());
    return count;
  }

  SessionOptions options;
  MatchingPipelineOptions pipeline;
  UsedWeights weights;
  std::optional<torch::Device> device;
  std::unique_ptr<MatcherParts> parts;
  std::vector<std::unique_ptr<FeatureMatcher>> matchers;
  std::mutex mutex;
};

namespace {

// The pairs of a MatchPairs, taken in order by several threads.
class PairQueue {
 public:
  PairQueue(const std::vector<std::shared_ptr<const FeatureArrays>>& features,
            const std::vector<std::pair<int64_t, int64_t>>& pairs)
      : features_(features),
        pairs_(pairs),
        results_(pairs.size()),
        bar_("pairs", static_cast<int64_t>(pairs.size()), "off") {}

  // Until there are none, a stop is requested, or one fails.
  void Work(FeatureMatcher& matcher) {
    try {
      const auto batch = static_cast<size_t>(matcher.batch_size());
      for (;;) {
        const size_t begin = next_.fetch_add(batch);
        if (begin >= pairs_.size() || StopRequested() || failed_) return;
        MatchSome(matcher, begin, std::min(begin + batch, pairs_.size()));
      }
    } catch (...) {
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
  }

  std::vector<MatchArrays> Take() {
    if (error_) std::rethrow_exception(error_);
    return std::move(results_);
  }

 private:
  void MatchSome(FeatureMatcher& matcher, size_t begin, size_t end) {
    std::vector<PreparedPair> prepared;
    for (size_t i = begin; i < end; ++i) {
      const auto& features0 = *features_[static_cast<size_t>(pairs_[i].first)];
      const auto& features1 = *features_[static_cast<size_t>(pairs_[i].second)];
      RequireMemory(features0, features1);
      prepared.push_back({matcher.Prepare(AsSeen(features0)), matcher.Prepare(AsSeen(features1))});
    }
    const auto matches = matcher.MatchBatch(prepared);
    for (size_t i = begin; i < end; ++i) results_[i] = ToArrays(matches[i - begin]);
    bar_.Update(static_cast<int64_t>(done_ += end - begin));
  }

  const std::vector<std::shared_ptr<const FeatureArrays>>& features_;
  const std::vector<std::pair<int64_t, int64_t>>& pairs_;
  std::vector<MatchArrays> results_;
  ProgressBar bar_;  // shown by the host (plugin/runtime/host.h)
  std::atomic<size_t> next_{0}, done_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

}  // namespace

MatcherSession::MatcherSession(const std::vector<std::string>& arguments)
    : state_(std::make_unique<State>(arguments)) {}

MatcherSession::~MatcherSession() = default;

MatchArrays MatcherSession::Match(const FeatureArrays& features0, const FeatureArrays& features1) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  RequireMemory(features0, features1);
  const ThreadsInUse threads(NumWorkers(state_->options.common));
  return ToArrays(state_->matchers.front()->Match(AsSeen(features0), AsSeen(features1)));
}

std::vector<MatchArrays> MatcherSession::MatchPairs(
    const std::vector<std::shared_ptr<const FeatureArrays>>& features,
    const std::vector<std::pair<int64_t, int64_t>>& pairs) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const size_t count = state_->NumMatchersFor(pairs.size());
  const int threads_each = count > 1 ? 1 : NumWorkers(state_->options.common);
  PairQueue queue(features, pairs);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      const ThreadsInUse in_use(threads_each);
      queue.Work(*state_->matchers[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return queue.Take();
}

SessionInfo MatcherSession::info() const {
  const bool superglue = FindMatcher(state_->pipeline.matching.matcher).needs_superglue;
  SessionInfo info;
  info.device = state_->device->str();
  info.precision = NameOf(superglue ? PrecisionFromName(state_->options.common.precision, *state_->device)
                                    : Precision::kFloat32);
  info.weights_sha256 = state_->weights.sha256;
  const auto dim = state_->weights.metadata.find("descriptor_dim");
  if (dim != state_->weights.metadata.end()) info.descriptor_dim = std::stoi(dim->second);
  return info;
}

}  // namespace colmatch
