// Pairs by look; see retrieval_pairs.h.
#include "plugin/matching/retrieval_pairs.h"

#include <torch/torch.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <random>

#include "plugin/matching/matching_pipeline.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/pairs/pair_order.h"
#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "util/error.h"
#include "util/image_names.h"
#include "util/trimmed.h"

namespace colmatch {
namespace {

// What the vocabulary is made of. Per word as many as faiss takes; more make it no better.
constexpr int64_t kSampledPerWord = 256;
constexpr int64_t kMaxSampledImages = 1000;

constexpr size_t kQueriesAtOnce = 256;  // between two looks at the stop signal

void RequireAtLeastOne(const char* option, int value) {
  if (value >= 1) return;
  throw UsageError(std::string(option) + " must be at least 1, found " + std::to_string(value));
}

// (D, N) as it was written; the strongest where there are more than max_num_features.
torch::Tensor ReadDescriptors(ColmapDatabase& database, const Image& image, int max_num_features) {
  const Provenance provenance = ProvenanceOfFeatures(database, image);
  Descriptors stored = database.ReadDescriptors(image.image_id);
  const auto n = static_cast<int64_t>(stored.rows);
  auto descriptors = torch::from_blob(stored.values.data(), {n, stored.dim}).clone();
  if (max_num_features < 1 || n <= max_num_features || provenance.scores.size() != static_cast<size_t>(n))
    return descriptors.t();
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return provenance.scores[static_cast<size_t>(a)] > provenance.scores[static_cast<size_t>(b)];
  });
  order.resize(static_cast<size_t>(max_num_features));
  return descriptors.index_select(0, torch::tensor(order)).t();
}

// `count` different ones of 0 to size - 1, all where there are fewer; by rising number.
std::vector<int64_t> Choose(int64_t size, int64_t count, std::mt19937_64& rng) {
  std::vector<int64_t> numbers(static_cast<size_t>(size));
  std::iota(numbers.begin(), numbers.end(), 0);
  count = std::min(count, size);
  for (int64_t i = 0; i < count; ++i) {
    const auto other = i + static_cast<int64_t>(rng() % static_cast<uint64_t>(size - i));
    std::swap(numbers[static_cast<size_t>(i)], numbers[static_cast<size_t>(other)]);
  }
  numbers.resize(static_cast<size_t>(count));
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void RequireSameChannels(const torch::Tensor& descriptors, int64_t channels, const Image& image) {
  if (descriptors.size(1) == 0 || descriptors.size(0) == channels) return;
  throw InputError("the descriptors of " + image.name + " have " + std::to_string(descriptors.size(0)) +
                   " channels, those of the images before it " + std::to_string(channels) +
                   "; use features of one kind");
}

// (D, M) of some keypoints of some images.
torch::Tensor SampleDescriptors(ColmapDatabase& database, const std::vector<Image>& images,
                                const ImageIndexOptions& options, uint64_t seed) {
  std::vector<const Image*> with_keypoints;
  for (const Image& image : images) {
    if (database.NumKeypoints(image.image_id) > 0) with_keypoints.push_back(&image);
  }
  std::mt19937_64 rng(seed);
  const auto chosen = Choose(static_cast<int64_t>(with_keypoints.size()), kMaxSampledImages, rng);
  std::vector<torch::Tensor> parts;
  for (size_t i = 0; i < chosen.size() && !StopRequested(); ++i) {
    const Image& image = *with_keypoints[static_cast<size_t>(chosen[i])];
    const auto descriptors = ReadDescriptors(database, image, options.max_num_features);
    if (!parts.empty()) RequireSameChannels(descriptors, parts[0].size(0), image);
    const auto count = kSampledPerWord * options.num_words / static_cast<int64_t>(chosen.size()) + 1;
    parts.push_back(descriptors.index_select(1, torch::tensor(Choose(descriptors.size(1), count, rng))));
  }
  return parts.empty() ? torch::zeros({0, 0}) : torch::cat(parts, 1);
}

ImageIndex IndexImages(ColmapDatabase& database, const std::vector<Image>& images,
                       const ImageIndexOptions& options, const CommonOptions& common) {
  VocabularyOptions vocabulary_options;
  vocabulary_options.num_words = options.num_words;
  vocabulary_options.seed = common.random_seed;
  vocabulary_options.Validate();
  const Vocabulary vocabulary =
      TrainVocabulary(SampleDescriptors(database, images, options, common.random_seed), vocabulary_options);
  ImageIndex index(static_cast<int>(images.size()), vocabulary.image_size());
  ProgressBar bar("image descriptors", static_cast<int64_t>(images.size()), common.progress);
  for (size_t i = 0; i < images.size() && !StopRequested(); ++i) {
    const auto descriptors = ReadDescriptors(database, images[i], options.max_num_features);
    RequireSameChannels(descriptors, vocabulary.words.size(1), images[i]);
    if (descriptors.size(1) > 0) index.Set(static_cast<int>(i), DescribeImage(descriptors, vocabulary));
    bar.Update(static_cast<int64_t>(i) + 1);
  }
  return index;
}

}  // namespace

std::vector<int> ReadQueries(const std::string& path, const std::vector<Image>& images,
                             std::vector<SkippedInput>& skipped) {
  std::ifstream stream(path, std::ios::binary);
  if (stream) SkipByteOrderMark(stream, path);
  std::vector<std::string> stored;
  for (const Image& image : images) stored.push_back(image.name);
  const ImageNames names(stored);
  std::vector<int> queries;
  bool empty = true;
  for (std::string line; std::getline(stream, line);) {
    const std::string name(Trimmed(line));
    if (name.empty() || name[0] == '#') continue;
    empty = false;
    const int found = names.Find(name);
    if (found < 0) {
      skipped.push_back(
          {name, path + " names it, but the database has no features of an image of this name"});
    } else {
      queries.push_back(found);
    }
  }
  if (empty)
    throw UsageError("match_list_path: expected a file with one image name a line; " + path +
                     " cannot be read or names none");
  return queries;
}

std::vector<std::vector<Neighbor>> NeighborsByLook(ColmapDatabase& database, const std::vector<Image>& images,
                                                   const std::vector<int>& queries,
                                                   const ImageIndexOptions& options, int num_images,
                                                   const CommonOptions& common) {
  RequireAtLeastOne("num_images", num_images);
  const ImageIndex index = IndexImages(database, images, options, common);
  std::vector<std::vector<Neighbor>> neighbors;
  ProgressBar bar("similar images", static_cast<int64_t>(queries.size()), common.progress);
  for (size_t begin = 0; begin < queries.size() && !StopRequested(); begin += kQueriesAtOnce) {
    const size_t end = std::min(queries.size(), begin + kQueriesAtOnce);
    const std::vector<int> asked(&queries[begin], &queries[begin] + (end - begin));
    for (auto& nearest : index.Nearest(asked, num_images)) neighbors.push_back(std::move(nearest));
    bar.Update(static_cast<int64_t>(end));
  }
  return neighbors;
}

std::vector<ImagePair> PairsByLook(ColmapDatabase& database, const std::vector<Image>& images,
                                   const std::vector<int>& queries, const ImageIndexOptions& options,
                                   int num_images, const CommonOptions& common) {
  const auto neighbors = NeighborsByLook(database, images, queries, options, num_images, common);
  std::vector<ImagePair> pairs;
  for (size_t q = 0; q < neighbors.size(); ++q) {
    for (const Neighbor& other : neighbors[q])
      pairs.emplace_back(std::min(queries[q], other.image), std::max(queries[q], other.image));
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return pairs;
}

std::vector<ImagePair> PairsByLook(ColmapDatabase& database, const std::vector<Image>& images,
                                   const RetrievalOptions& options, const CommonOptions& common) {
  std::vector<int> all(images.size());
  std::iota(all.begin(), all.end(), 0);
  return PairsByLook(database, images, all, options.index, options.num_images, common);
}

std::vector<ImagePair> LoopPairs(ColmapDatabase& database, const std::vector<Image>& images,
                                 const std::vector<int>& sequence, const LoopDetectionOptions& options,
                                 const CommonOptions& common) {
  RequireAtLeastOne("--SequentialMatching.loop_detection_period", options.period);
  std::vector<int> queries;
  for (size_t i = 0; i < sequence.size(); i += static_cast<size_t>(options.period))
    queries.push_back(sequence[i]);
  return PairsByLook(database, images, queries, options.index, options.num_images, common);
}

MatchingPipelineStats MatchByRetrieval(const MatchingPipelineOptions& matching, const RetrievalOptions& o,
                                       const CommonOptions& common) {
  std::vector<SkippedInput> skipped;
  auto stats = MatchPairs(matching, common, [&](ColmapDatabase& database, const std::vector<Image>& images) {
    auto pairs = o.match_list_path.empty()
                     ? PairsByLook(database, images, o, common)
                     : PairsByLook(database, images, ReadQueries(o.match_list_path, images, skipped), o.index,
                                   o.num_images, common);
    return std::make_unique<OrderedPairs>(std::move(pairs), static_cast<int>(images.size()),
                                          matching.block_size);
  });
  stats.skipped.insert(stats.skipped.end(), skipped.begin(), skipped.end());
  return stats;
}

}  // namespace colmatch
