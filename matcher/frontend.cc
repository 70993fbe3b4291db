// The front end; see frontend.h.
#include "matcher/frontend.h"

#include <torch/torch.h>

#include <algorithm>
#include <iterator>

#include "network/engines/pair_matching.h"
#include "network/engines/superpoint_engine.h"
#include "network/image_pyramid.h"
#include "network/kernels/bf16.h"
#include "util/error.h"

namespace colmatch {
namespace {

// Sizes of tiles to try on a GPU, the given one first: smaller ones where they give the same features.
std::vector<int> TileSizesToTry(int width, int height, int tile_size,
                                const SuperPointArchitecture& architecture, const KeypointOptions& options) {
  constexpr int kSmallest = 512;
  std::vector<int> sizes = {tile_size};
  if (architecture.sampling == DescriptorSampling::kPublished) return sizes;
  const int largest = tile_size == 0 ? std::max(width, height) : tile_size;
  for (int size = largest / 2; size >= std::max(kSmallest, SmallestTileSize(options)); size /= 2)
    sizes.push_back(size);
  return sizes;
}

template <typename Network>
DeviceFallback::Work MoveOf(Network network) {
  return [network](torch::Device device) mutable { network->to(device); };
}

std::string ItemText(int width, int height) {
  return "an image of " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
}

}  // namespace

MatcherType MatcherTypeFromName(const std::string& name) {
  if (name == "superglue") return MatcherType::kSuperGlue;
  if (name == "nn") return MatcherType::kNearestNeighbor;
  if (name == "nn_mutual") return MatcherType::kMutualNearestNeighbor;
  if (name == "nn_ratio") return MatcherType::kRatioTest;
  throw UsageError("--matcher must be superglue, nn, nn_mutual or nn_ratio, found " + name);
}

Features ToDevice(const Features& features, const torch::Device& device) {
  Features moved = features;
  moved.keypoints = features.keypoints.to(device);
  moved.scores = features.scores.to(device);
  moved.descriptors = features.descriptors.to(device);
  if (features.scales.defined()) moved.scales = features.scales.to(device);
  return moved;
}

uint64_t MatchingMemory(int64_t keypoints0, int64_t keypoints1) {
  // Scores, couplings, the transport's kernel and plan and their temporaries, float32 for each pair of
  // keypoints.
  constexpr uint64_t kBytesPerPair = 28;
  return kBytesPerPair * static_cast<uint64_t>(keypoints0 + 1) * static_cast<uint64_t>(keypoints1 + 1);
}

uint64_t ExtractionMemory(int width, int height) {
  // The first layers: their 64 channels three times.
  constexpr uint64_t kBytesPerPixel = 3 * 64 * sizeof(float);
  return kBytesPerPixel * static_cast<uint64_t>(width) * static_cast<uint64_t>(height);
}

FeatureExtractor::FeatureExtractor(LoadedSuperPoint weights, const KeypointOptions& options,
                                   torch::Device device, Precision precision)
    : weights_(std::move(weights)),
      network_(weights_.network),
      options_(options),
      precision_(precision == Precision::kInt8 ? Precision::kFloat32 : precision),
      device_(device),
      fallback_(device) {
  options_.Validate();
  options_ = ResolveOptions(options_, weights_.network->architecture());
  RequireDeviceFor(precision_, device);
  const bool in_halves = precision_ != Precision::kFloat32;
  if (in_halves) {
    if (device.is_cpu() && !HasBf16Instructions())
      throw EnvironmentError(
          "--precision bf16: this machine's CPU has no bf16 instructions (AVX512_BF16), without which "
          "SuperPoint "
          "would be slower than in float32; use --precision fp32");
    weights_.network = FoldBatchNorm(weights_.network);
    weights_.network->eval();
  }
  weights_.network->to(device);
  network_ = MakeSuperPointEngine(weights_.network, precision_, device);
  fallback_.SetMove(MoveOf(weights_.network));
}

Features FeatureExtractor::ExtractTiled(const float* pixels, int width, int height, int tile_size,
                                        const KeypointFilter& keep) {
  const auto image = torch::from_blob(const_cast<float*>(pixels), {1, 1, height, width});
  const auto extract = [&](const PyramidLevel& level, const KeypointOptions& options) {
    const auto keep_in_level = [&](const torch::Tensor& xy) { return keep(level.ToOriginal(xy)); };
    return ExtractLevel(level.image, options, tile_size, keep ? keep_in_level : KeypointFilter());
  };
  // The levels are made where the network is, if they fit there.
  Features features;
  const auto extract_on = [&](torch::Device device) {
    features = ExtractFromPyramid(image.to(device), options_, extract);
  };
  if (!fallback_.Try(extract_on)) extract_on(torch::kCPU);
  return features;
}

Features FeatureExtractor::ExtractLevel(const torch::Tensor& image, const KeypointOptions& options,
                                        int tile_size, const KeypointFilter& keep) {
  const auto height = static_cast<int>(image.size(2)), width = static_cast<int>(image.size(3));
  Features features;
  const auto extract_in_tiles = [&](int size) {
    return [&, size](torch::Device device) {
      features = ExtractInTiles(network_, image, options, size, keep, device);
    };
  };
  for (const int size : TileSizesToTry(width, height, tile_size, weights_.network->architecture(), options)) {
    if (fallback_.Try(extract_in_tiles(size))) return features;
  }
  fallback_.RunOnCpu(
      extract_in_tiles(tile_size), ItemText(width, height),
      tile_size == 0 ? ExtractionMemory(width, height) : ExtractionMemory(tile_size, tile_size));
  return features;
}

TurnedDescriptors FeatureExtractor::DescribeTurned(const float* pixels, int width, int height,
                                                   const Features& features) {
  TurnedDescriptors turned;
  turned.fill(torch::zeros({descriptor_dim(), features.size()}));
  if (features.size() == 0) return turned;
  torch::NoGradGuard no_grad;
  const auto image = torch::from_blob(const_cast<float*>(pixels), {1, 1, height, width});
  std::vector<PyramidLevel> levels;
  for (const double scale : options_.scales) levels.push_back(MakeLevel(image, scale));
  const auto level_of = LevelsOf(features, levels);
  for (size_t i = 0; i < levels.size(); ++i) {
    const auto indices = (level_of == static_cast<int64_t>(i)).nonzero().squeeze(1);
    if (indices.size(0) == 0) continue;
    const auto xy = levels[i].FromOriginal(features.keypoints.index_select(0, indices));
    const auto of_level = DescribeLevelTurned(levels[i].image, xy);
    for (size_t k = 0; k < turned.size(); ++k) turned[k] = turned[k].index_copy(1, indices, of_level[k]);
  }
  return turned;
}

TurnedDescriptors FeatureExtractor::DescribeLevelTurned(const torch::Tensor& image,
                                                        const torch::Tensor& keypoints) {
  const auto height = static_cast<int>(image.size(2)), width = static_cast<int>(image.size(3));
  TurnedDescriptors turned;
  const auto describe = [&](torch::Device device) {
    for (int k = 1; k <= 3; ++k) {
      // rot90 turns the other way round.
      const auto seen = image.to(device).rot90(-k, {2, 3}).contiguous();
      const SuperPointOutput output = network_(seen);
      const auto xy = TurnPoints(keypoints, width, height, k).unsqueeze(0).to(device);
      turned[static_cast<size_t>(k - 1)] =
          SampleDescriptors(xy, output.descriptors, output.sampling)[0].cpu();
    }
  };
  fallback_.Run(describe, ItemText(width, height), ExtractionMemory(width, height));
  return turned;
}

void MatcherOptions::Validate() const {
  superglue.Validate();
  if (!(max_ratio > 0 && max_ratio <= 1))
    throw UsageError("--max_ratio must be in (0, 1], found " + std::to_string(max_ratio));
  prefilter.Validate();
  if (batch_size < 1 || batch_size > 4096)
    throw UsageError("SuperGlue.batch_size must be in [1, 4096], found " + std::to_string(batch_size));
}

FeatureMatcher::FeatureMatcher(LoadedSuperGlue superglue, const MatcherOptions& options, torch::Device device)
    : superglue_(std::move(superglue)),
      options_(options),
      most_at_once_(static_cast<size_t>(options.batch_size)),
      fallback_(device) {
  options_.Validate();
  if (options_.type != MatcherType::kSuperGlue) return;
  if (superglue_.network.is_empty()) throw UsageError("--matcher superglue needs SuperGlue weights");
  options_.prefilter = options_.prefilter.ResolvedFor(superglue_.network->architecture());
  superglue_.network = FoldBatchNorm(superglue_.network);
  superglue_.network->eval();
  superglue_.network->to(device);
  fallback_.SetMove(MoveOf(superglue_.network));
  RequireDeviceFor(options_.precision, device);
  is_on_gpu_ = !device.is_cpu();
  engine_ = MakeSuperGlueEngine(superglue_.network, options_.precision, device, options_.cuda_graphs);
  cpu_engine_ = is_on_gpu_ ? MakePlainSuperGlue(superglue_.network) : engine_;
}

const SuperGlueEngine& FeatureMatcher::EngineOn(torch::Device device) const {
  return device.is_cpu() ? *cpu_engine_ : *engine_;
}

FeatureMatcher::FeatureMatcher(const FeatureMatcher& other, torch::Device device)
    : superglue_(other.superglue_),
      options_(other.options_),
      engine_(other.engine_),
      cpu_engine_(other.cpu_engine_),
      prefilter_counts_(other.prefilter_counts_),
      most_at_once_(other.most_at_once_),
      fallback_(device) {}

FeatureMatcher FeatureMatcher::ShareOnCpu() const {
  TORCH_CHECK(!is_on_gpu_, "FeatureMatcher::ShareOnCpu: the matcher is on a GPU");
  return {*this, torch::kCPU};
}

PreparedImage FeatureMatcher::Prepare(const Features& features) {
  torch::NoGradGuard no_grad;
  PreparedImage prepared;
  const auto prepare = [&](torch::Device device) {
    const Features here = ToDevice(features, device);
    if (options_.type != MatcherType::kSuperGlue) {
      prepared.features = here;
    } else {
      prepared.rows = EngineOn(device).Prepare(here);
      prepared.positions = {here.keypoints, features.width, features.height};
      const bool in_bf16 = options_.precision != Precision::kFloat32 && HasBf16Instructions();
      if (options_.prefilter.min_neighbors > 0)
        prepared.prefilter = PrepareForPrefilter(here.descriptors, in_bf16);
    }
  };
  fallback_.Run(prepare, std::to_string(features.size()) + " keypoints", 0);
  return prepared;
}

FeatureMatches FeatureMatcher::Match(const Features& features0, const Features& features1) {
  return Match(Prepare(features0), Prepare(features1));
}

FeatureMatches FeatureMatcher::Match(const PreparedImage& image0, const PreparedImage& image1) {
  // The pair does not outlive the images.
  const auto borrowed = [](const PreparedImage& image) {
    return std::shared_ptr<const PreparedImage>(std::shared_ptr<void>(), &image);
  };
  return MatchBatch({{borrowed(image0), borrowed(image1)}}).front();
}

bool FeatureMatcher::IsUnpromising(const PreparedPair& pair) const {
  const PrefilterRows &rows0 = pair.image0->prefilter, &rows1 = pair.image1->prefilter;
  if (!rows0.rows.defined()) return false;
  return CountSimilarNeighbors(rows0, rows1, options_.prefilter.min_similarity) <
         options_.prefilter.min_neighbors;
}

std::vector<FeatureMatches> FeatureMatcher::MatchBatch(const std::vector<PreparedPair>& pairs) {
  if (options_.prefilter.min_neighbors <= 0) return MatchAll(pairs);
  std::vector<FeatureMatches> matches(pairs.size());
  std::vector<PreparedPair> promising;
  std::vector<size_t> places;
  for (size_t i = 0; i < pairs.size(); ++i) {
    ++prefilter_counts_->tested;
    if (IsUnpromising(pairs[i])) {
      ++prefilter_counts_->skipped;
      matches[i] = NoMatches(pairs[i].image0->size(), pairs[i].image1->size());
    } else {
      promising.push_back(pairs[i]);
      places.push_back(i);
    }
  }
  auto found = MatchAll(promising);
  for (size_t i = 0; i < places.size(); ++i) matches[places[i]] = std::move(found[i]);
  return matches;
}

std::vector<FeatureMatches> FeatureMatcher::MatchAll(const std::vector<PreparedPair>& pairs) {
  torch::NoGradGuard no_grad;
  std::vector<FeatureMatches> matches;
  while (matches.size() < pairs.size()) {
    const PreparedPair* const first = pairs.data() + matches.size();
    const size_t count = std::min(most_at_once_, pairs.size() - matches.size());
    std::vector<FeatureMatches> some;
    const auto match = [&](torch::Device device) { some = MatchOn(device, first, count); };
    if (!fallback_.Try(match)) {
      if (count > 1) {
        most_at_once_ = count / 2;
        continue;
      }
      const int64_t size0 = first->image0->size(), size1 = first->image1->size();
      fallback_.RunOnCpu(
          match, "matching " + std::to_string(size0) + " with " + std::to_string(size1) + " keypoints",
          MatchingMemory(size0, size1));
    }
    std::move(some.begin(), some.end(), std::back_inserter(matches));
  }
  return matches;
}

bool UsesCandidates(const SuperGlue& network, const SuperGlueOptions& options, Precision precision) {
  return precision != Precision::kFloat32 || GuidanceRoundsOf(network, options) > 0;
}

bool FeatureMatcher::MatchCandidates(const PreparedImage& image0, const PreparedImage& image1,
                                     FeatureMatches& matches, torch::Tensor& all_couplings) {
  const SuperGlueEngine& engine = *cpu_engine_;
  all_couplings = engine.SelectCandidates(image0.rows.cpu(), image1.rows.cpu(), candidates_);
  const auto transport = [&](const Candidates& candidates, int iterations, FeatureMatches& found) {
    return MatchByCandidates(candidates, iterations, options_.superglue.match_threshold, solution_, found);
  };
  const auto guide = [&](const FeatureMatches& found, Candidates& guided) {
    return GuideCandidates(candidates_, found, image0.positions, image1.positions, guided);
  };
  if (MatchCandidatesInRounds(engine.network(), options_.superglue, candidates_, transport, guide, guided_,
                              matches))
    return true;
  if (!all_couplings.defined()) all_couplings = engine.AllCouplings();
  return false;
}

FeatureMatches FeatureMatcher::MatchGuided(const PreparedImage& image0, const PreparedImage& image1) {
  const SuperGlue& network = superglue_.network;
  const int64_t n = image0.size(), m = image1.size();
  if (n == 0 || m == 0) return NoMatches(n, m);
  PaddedScores pair{{}, {n}, {m}};
  if (UsesCandidates(network, options_.superglue, options_.precision)) {
    FeatureMatches matches;
    if (MatchCandidates(image0, image1, matches, pair.scores)) return matches;
  } else {
    pair.scores = cpu_engine_->CouplingsOfPair(image0.rows.cpu(), image1.rows.cpu());
  }
  const auto match = [&](const torch::Tensor& scores, const SuperGlueOptions& options) {
    return MatchCouplings(network, scores, options);
  };
  const auto guide = [&](const FeatureMatches& matches) {
    return GuideCouplings(pair, Padded({matches}), {&image0.positions}, {&image1.positions});
  };
  return MatchInRounds(network, options_.superglue, pair.scores, match, guide);
}

// What was prepared on the CPU for lack of memory is brought to the device.
std::vector<FeatureMatches> FeatureMatcher::MatchInEngine(torch::Device device, const PreparedPair* pairs,
                                                          size_t count) {
  std::vector<torch::Tensor> images0, images1;
  for (size_t i = 0; i < count; ++i) {
    images0.push_back(pairs[i].image0->rows.to(device));
    images1.push_back(pairs[i].image1->rows.to(device));
  }
  const auto guide = [&](const PaddedScores& scores, const PaddedMatches& matches,
                         const std::vector<size_t>& which) {
    std::vector<const Positions*> positions0, positions1;
    for (const size_t i : which) {
      positions0.push_back(&pairs[i].image0->positions);
      positions1.push_back(&pairs[i].image1->positions);
    }
    return GuideCouplings(scores, matches, positions0, positions1);
  };
  return MatchPreparedPairs(*engine_, images0, images1, options_.superglue, guide);
}

std::vector<FeatureMatches> FeatureMatcher::MatchOn(torch::Device device, const PreparedPair* pairs,
                                                    size_t count) {
  std::vector<FeatureMatches> results;
  if (is_on_gpu_ && !device.is_cpu()) return MatchInEngine(device, pairs, count);
  for (size_t i = 0; i < count; ++i) {
    const PreparedImage &image0 = *pairs[i].image0, &image1 = *pairs[i].image1;
    FeatureMatches matches;
    if (options_.type == MatcherType::kSuperGlue) {
      matches = MatchGuided(image0, image1);
    } else {
      NearestNeighborOptions nearest;
      nearest.mutual = options_.type != MatcherType::kNearestNeighbor;
      if (options_.type == MatcherType::kRatioTest) nearest.max_ratio = options_.max_ratio;
      matches = MatchNearestNeighbors(ToDevice(image0.features, device), ToDevice(image1.features, device),
                                      nearest);
    }
    for (torch::Tensor* t :
         {&matches.matches0, &matches.matches1, &matches.matching_scores0, &matches.matching_scores1}) {
      *t = t->cpu();
    }
    results.push_back(std::move(matches));
  }
  return results;
}

std::vector<MatchedPair> ListMatches(const FeatureMatches& matches) {
  const auto indices = matches.matches0.contiguous();
  const auto scores = matches.matching_scores0.contiguous();
  const int64_t n = indices.size(0), m = matches.matches1.size(0);
  std::vector<int64_t> owner(static_cast<size_t>(m), kUnmatched);
  const auto confidence = [&](int64_t i) { return scores.data_ptr<float>()[i]; };
  for (int64_t i = 0; i < n; ++i) {
    const int64_t j = indices.data_ptr<int64_t>()[i];
    if (j < 0) continue;
    int64_t& current = owner[static_cast<size_t>(j)];
    if (current == kUnmatched || confidence(i) > confidence(current)) current = i;
  }
  std::vector<MatchedPair> list;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t j = indices.data_ptr<int64_t>()[i];
    if (j >= 0 && owner[static_cast<size_t>(j)] == i)
      list.push_back({static_cast<int>(i), static_cast<int>(j), confidence(i)});
  }
  return list;
}

}  // namespace colmatch
