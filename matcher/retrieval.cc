// Image retrieval; see retrieval.h.
#include "matcher/retrieval.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>

#include "util/error.h"

namespace colmatch {
namespace {

// A unit descriptor in these steps, and a word, are integers of length below 2100: twice their product less a
// square is below 2^24.
constexpr float kDescriptorScale = 2047;
// The length of an image's descriptor before rounding, so that no product of two reaches 2^24 for up to
// 512 x 256 values. Fewer where a value would not fit a byte.
constexpr double kImageScale = 3900;
constexpr int kMaxWords = 512;
constexpr int64_t kLeastPointsPerWord = 16;  // a word with one point has no residuals
constexpr int64_t kRowsAtOnce = 256;         // of matrix products

// (D, N) unit columns to (N, D) integers.
torch::Tensor ToSteps(const torch::Tensor& descriptors) {
  return (descriptors.t() * kDescriptorScale).clamp(-kDescriptorScale, kDescriptorScale).round().contiguous();
}

// (N) int64: the nearest word of each row of points (N, D); the first of equally near ones.
std::vector<int64_t> NearestWords(const torch::Tensor& points, const torch::Tensor& words) {
  const auto squares = (words * words).sum(1);
  std::vector<int64_t> nearest(static_cast<size_t>(points.size(0)));
  for (int64_t first = 0; first < points.size(0); first += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, points.size(0) - first);
    const auto scores = (2 * torch::mm(points.narrow(0, first, count), words.t()) - squares).contiguous();
    const float* row = scores.data_ptr<float>();
    for (int64_t i = 0; i < count; ++i, row += words.size(0)) {
      nearest[static_cast<size_t>(first + i)] = std::max_element(row, row + words.size(0)) - row;
    }
  }
  return nearest;
}

// Squared distances of all points to one of them. Exact.
std::vector<double> SquaredDistances(const torch::Tensor& points, int64_t chosen) {
  const auto d = points.size(1);
  const float *x = points.data_ptr<float>(), *c = x + chosen * d;
  std::vector<double> distances(static_cast<size_t>(points.size(0)));
  for (double& distance : distances) {
    for (int64_t k = 0; k < d; ++k) {
      const double difference = *x++ - c[k];
      distance += difference * difference;
    }
  }
  return distances;
}

// k-means++: each next seed with a chance that grows with its distance from those chosen. Fewer than asked
// for where the points are fewer or repeat.
torch::Tensor SpreadSeeds(const torch::Tensor& points, const VocabularyOptions& options) {
  std::mt19937_64 rng(options.seed);  // the same numbers everywhere, other than the standard's distributions
  const auto most = std::min<int64_t>(options.num_words, points.size(0) / kLeastPointsPerWord);
  std::vector<int64_t> chosen = {static_cast<int64_t>(rng() % static_cast<uint64_t>(points.size(0)))};
  std::vector<double> distances = SquaredDistances(points, chosen[0]);
  while (static_cast<int64_t>(chosen.size()) < most) {
    const double sum = std::accumulate(distances.begin(), distances.end(), 0.0);
    if (sum == 0) break;  // every point is a seed
    const double threshold = static_cast<double>(rng() >> 11) * 0x1.0p-53 * sum;
    double passed = 0;
    size_t next = 0;
    for (size_t i = 0; i < distances.size() && passed <= threshold; ++i) {
      if (distances[i] > 0) next = i;
      passed += distances[i];
    }
    chosen.push_back(static_cast<int64_t>(next));
    const auto of_next = SquaredDistances(points, chosen.back());
    for (size_t i = 0; i < distances.size(); ++i) distances[i] = std::min(distances[i], of_next[i]);
  }
  return points.index_select(0, torch::tensor(chosen));
}

// Moves each word to the mean of its points; a word without points stays. False if none moved.
bool MoveWords(const torch::Tensor& points, torch::Tensor& words) {
  const auto nearest = NearestWords(points, words);
  const auto d = static_cast<size_t>(points.size(1));
  std::vector<int64_t> counts(static_cast<size_t>(words.size(0)));
  std::vector<int64_t> sums(counts.size() * d);
  const float* x = points.data_ptr<float>();
  for (const int64_t word : nearest) {
    ++counts[static_cast<size_t>(word)];
    int64_t* sum = &sums[static_cast<size_t>(word) * d];
    for (size_t k = 0; k < d; ++k) sum[k] += static_cast<int64_t>(*x++);
  }
  bool moved = false;
  float* value = words.data_ptr<float>();
  for (size_t i = 0; i < sums.size(); ++i, ++value) {
    if (counts[i / d] == 0) continue;
    const auto mean =
        static_cast<float>(std::nearbyint(static_cast<double>(sums[i]) / static_cast<double>(counts[i / d])));
    moved = moved || mean != *value;
    *value = mean;
  }
  return moved;
}

// Each block of d values to length 1, then signed square roots. Returns the squared length of the whole.
double Normalize(std::vector<double>& vlad, size_t d) {
  double total = 0;
  for (size_t begin = 0; begin < vlad.size(); begin += d) {
    double square = 0;
    for (size_t k = begin; k < begin + d; ++k) square += vlad[k] * vlad[k];
    if (square == 0) continue;
    for (size_t k = begin; k < begin + d; ++k) {
      const double value = vlad[k] / std::sqrt(square);
      vlad[k] = std::copysign(std::sqrt(std::abs(value)), value);
      total += std::abs(value);
    }
  }
  return total;
}

bool IsBetter(const Neighbor& a, const Neighbor& b) {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.image < b.image;
}

void KeepBest(std::vector<Neighbor>& neighbors, int k) {
  if (static_cast<int>(neighbors.size()) > k) {
    std::nth_element(neighbors.begin(), neighbors.begin() + k, neighbors.end(), IsBetter);
    neighbors.resize(static_cast<size_t>(k));
  }
}

}  // namespace

void VocabularyOptions::Validate() const {
  if (num_words < 1 || num_words > kMaxWords) {
    throw UsageError("--RetrievalMatching.num_words must be in [1, " + std::to_string(kMaxWords) +
                     "], found " + std::to_string(num_words));
  }
}

Vocabulary TrainVocabulary(const torch::Tensor& descriptors, const VocabularyOptions& options) {
  options.Validate();
  torch::NoGradGuard no_grad;
  const auto points = ToSteps(descriptors);
  Vocabulary vocabulary;
  if (points.size(0) <
      2 * kLeastPointsPerWord) {  // one word, in the middle: an image is the sum of its points
    vocabulary.words = torch::zeros({1, points.size(1)});
    return vocabulary;
  }
  vocabulary.words = SpreadSeeds(points, options);
  for (int i = 0; i < options.num_iterations && MoveWords(points, vocabulary.words); ++i) continue;
  return vocabulary;
}

torch::Tensor DescribeImage(const torch::Tensor& descriptors, const Vocabulary& vocabulary) {
  torch::NoGradGuard no_grad;
  const auto d = vocabulary.words.size(1);
  if (descriptors.size(0) != d) {
    throw InputError("local descriptors of " + std::to_string(descriptors.size(0)) +
                     " channels; those of the images before have " + std::to_string(d));
  }
  auto image = torch::zeros({vocabulary.image_size()}, torch::kChar);
  if (descriptors.size(1) == 0) return image;
  const auto points = ToSteps(descriptors);
  std::vector<double> vlad(static_cast<size_t>(vocabulary.image_size()));
  const float* x = points.data_ptr<float>();
  for (const int64_t word : NearestWords(points, vocabulary.words)) {
    const float* c = vocabulary.words.data_ptr<float>() + word * d;
    double* sum = &vlad[static_cast<size_t>(word * d)];
    for (int64_t k = 0; k < d; ++k) sum[k] += *x++ - c[k];
  }
  const double length = std::sqrt(Normalize(vlad, static_cast<size_t>(d)));
  if (length == 0) return image;  // every keypoint is a word
  double largest = 0;
  for (const double value : vlad) largest = std::max(largest, std::abs(value));
  const double scale = std::min(kImageScale / length, 127 / largest);
  std::transform(vlad.begin(), vlad.end(), image.data_ptr<int8_t>(),
                 [&](double value) { return static_cast<int8_t>(std::nearbyint(scale * value)); });
  return image;
}

ImageIndex::ImageIndex(int num_images, int64_t image_size)
    : descriptors_(torch::zeros({num_images, image_size}, torch::kChar)),
      inverse_norms_(static_cast<size_t>(num_images)) {}

void ImageIndex::Set(int image, const torch::Tensor& descriptor) {
  descriptors_[image].copy_(descriptor);
  const auto* values = descriptors_[image].data_ptr<int8_t>();
  int64_t square = 0;
  for (int64_t k = 0; k < descriptors_.size(1); ++k) square += values[k] * values[k];
  inverse_norms_[static_cast<size_t>(image)] =
      square == 0 ? 0 : static_cast<float>(1 / std::sqrt(static_cast<double>(square)));
}

std::vector<std::vector<Neighbor>> ImageIndex::Nearest(const std::vector<int>& images, int k) const {
  torch::NoGradGuard no_grad;
  std::vector<std::vector<Neighbor>> nearest;
  nearest.reserve(images.size());
  for (size_t begin = 0; begin < images.size(); begin += kRowsAtOnce) {
    const std::vector<int> asked(
        images.begin() + static_cast<std::ptrdiff_t>(begin),
        images.begin() + static_cast<std::ptrdiff_t>(std::min(images.size(), begin + size_t{kRowsAtOnce})));
    const auto queries =
        descriptors_.index_select(0, torch::tensor(asked, torch::kInt).to(torch::kLong)).to(torch::kFloat);
    std::vector<std::vector<Neighbor>> found(asked.size());
    for (int first = 0; first < size(); first += kRowsAtOnce) {
      const auto count = std::min<int64_t>(kRowsAtOnce, size() - first);
      const auto others = descriptors_.narrow(0, first, count).to(torch::kFloat);
      AddCandidates(torch::mm(queries, others.t()), asked, first, k, found);
    }
    for (auto& neighbors : found) {
      std::sort(neighbors.begin(), neighbors.end(), IsBetter);
      nearest.push_back(std::move(neighbors));
    }
  }
  return nearest;
}

// dots: of images (rows) with those from `first` on (columns); nearest: a list of at most k for each row.
void ImageIndex::AddCandidates(const torch::Tensor& dots, const std::vector<int>& images, int first, int k,
                               std::vector<std::vector<Neighbor>>& nearest) const {
  const auto norms = inverse_norms_.data() + first;
  const float* dot = dots.data_ptr<float>();
  for (size_t row = 0; row < images.size(); ++row) {
    const float norm = inverse_norms_[static_cast<size_t>(images[row])];
    for (int column = 0; column < dots.size(1); ++column, ++dot) {
      const int other = first + column;
      if (norm == 0 || norms[column] == 0 || other == images[row]) continue;
      nearest[row].push_back({other, *dot * norms[column] * norm});
    }
    KeepBest(nearest[row], k);
  }
}

}  // namespace colmatch
