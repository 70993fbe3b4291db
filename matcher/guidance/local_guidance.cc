// Guided coupling scores; see local_guidance.h.
#include "matcher/guidance/local_guidance.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "matcher/guidance/local_guidance_gpu.h"
#include "network/engines/batched_superglue.h"
#include "network/engines/gpu_queue.h"
#include "network/kernels/simd.h"

namespace colmatch {
namespace {

// Where each image of a pair has the other's keypoints.
struct PairPlaces {
  FittedPlaces of0, of1;
  bool any = false;  // were there matches enough for a map
};

std::vector<PointMatch> PointMatches(const torch::Tensor& keypoints0, const torch::Tensor& keypoints1,
                                     const torch::Tensor& matches0, const torch::Tensor& confidence0) {
  const float *const xy0 = keypoints0.data_ptr<float>(), *const xy1 = keypoints1.data_ptr<float>();
  std::vector<PointMatch> found;
  for (int64_t i = 0; i < matches0.size(0); ++i) {
    const int64_t j = matches0.data_ptr<int64_t>()[i];
    if (j < 0) continue;
    found.push_back(
        {xy0[2 * i], xy0[2 * i + 1], xy1[2 * j], xy1[2 * j + 1], confidence0.data_ptr<float>()[i], i});
  }
  return found;
}

// The image's pixels per pixel of the options.
float ScaleOf(const Positions& image, const GuidanceOptions& options) {
  return static_cast<float>(std::max(image.width, image.height)) / static_cast<float>(options.longer_side);
}

LocalFitOptions ScaledTo(const Positions& image, const GuidanceOptions& options) {
  LocalFitOptions fit = options.fit;
  for (float* pixels : {&fit.location_noise, &fit.first_tolerance, &fit.last_tolerance})
    *pixels *= ScaleOf(image, options);
  return fit;
}

PairPlaces FindPlaces(const FeatureMatches& matches, const Positions& image0, const Positions& image1,
                      const GuidanceOptions& options) {
  const auto keypoints0 = image0.keypoints.cpu().contiguous(),
             keypoints1 = image1.keypoints.cpu().contiguous();
  const auto one_way = [&](const torch::Tensor& from, const torch::Tensor& to, const torch::Tensor& indices,
                           const torch::Tensor& confidence, const Positions& other) {
    return FitPlaces(from.data_ptr<float>(), from.size(0),
                     PointMatches(from, to, indices.contiguous(), confidence.contiguous()),
                     ScaledTo(other, options));
  };
  const bool any = (matches.matches0 >= 0).sum().item<int64_t>() >= options.fit.min_neighbors;
  return {one_way(keypoints0, keypoints1, matches.matches0, matches.matching_scores0, image1),
          one_way(keypoints1, keypoints0, matches.matches1, matches.matching_scores1, image0), any};
}

// Of one pair (N, M) on the CPU.
torch::Tensor GuideOnCpu(const torch::Tensor& scores, const PairPlaces& places, const Positions& image0,
                         const Positions& image1, const GuidanceOptions& options) {
  if (!places.any) return scores;
  const auto in = scores.contiguous(), keypoints0 = image0.keypoints.cpu().contiguous(),
             columns_xy = image1.keypoints.cpu().t().contiguous();
  const int64_t n = in.size(0), m = in.size(1);
  const float* const xy1 = columns_xy.data_ptr<float>();
  const GuidedColumns columns{{xy1, xy1 + m}, {xy1 + m, xy1 + 2 * m}, places.of1};
  auto guided = torch::empty_like(in);
  at::parallel_for(0, n, /*grain_size=*/64, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const float* const xy = keypoints0.data_ptr<float>() + 2 * i;
      const auto row = static_cast<size_t>(i);
      GuideRow(in.data_ptr<float>() + i * m,
               {xy[0], xy[1], places.of0.x[row], places.of0.y[row], places.of0.precision[row]}, columns,
               options.strength, guided.data_ptr<float>() + i * m);
    }
  });
  return guided;
}

// About the sums of what is not listed, guided: lowered by the penalty where either image says where a
// keypoint is, as nearly all are far from there, by the doubt elsewhere.
void EstimateOmitted(const std::vector<float>& omitted, const FittedPlaces& own,
                     const std::vector<float>& other_omitted, const FittedPlaces& other,
                     const GuidanceStrength& strength, std::vector<float>& estimate) {
  double all = 0, unsaid = 0;
  for (size_t j = 0; j < other_omitted.size(); ++j) {
    all += other_omitted[j];
    unsaid += other.precision[j] > 0 ? 0 : other_omitted[j];
  }
  const auto share = static_cast<float>(all > 0 ? unsaid / all : 0);
  const float penalty = std::exp(-strength.penalty),
              doubt = share * std::exp(-strength.doubt) + (1 - share) * penalty;
  estimate.resize(omitted.size());
  for (size_t i = 0; i < omitted.size(); ++i)
    estimate[i] = omitted[i] * (own.precision[i] > 0 ? penalty : doubt);
}

// What must be added to the estimates to be sure: what is not listed was not raised, but for pairs of
// keypoints near each other's places, and nothing by more than the bonus.
void BoundOmitted(const Candidates& in, const PairPlaces& places, const float* xy0, const float* xy1,
                  const GuidanceStrength& strength, Candidates& guided) {
  guided.unsure0.assign(in.omitted0.size(), 0.0f);
  guided.unsure1.assign(in.omitted1.size(), 0.0f);
  const float raised = std::exp(strength.bonus - kCandidateMargin), most = std::exp(strength.bonus);
  const PlacedPoints side0{xy0, places.of0}, side1{xy1, places.of1};
  AddRaised(side0, side1, strength.bonus, raised, guided.unsure0.data(), guided.unsure1.data());
  AddRaised(side1, side0, strength.bonus, raised, guided.unsure1.data(), guided.unsure0.data());
  const auto combine = [&](const std::vector<float>& omitted, const std::vector<float>& estimate,
                           std::vector<float>& unsure) {
    for (size_t i = 0; i < omitted.size(); ++i)
      unsure[i] = std::max(0.0f, std::min(omitted[i] + unsure[i], most * omitted[i]) - estimate[i]);
  };
  combine(in.omitted0, guided.omitted0, guided.unsure0);
  combine(in.omitted1, guided.omitted1, guided.unsure1);
}

// Keypoints, places and precisions (B, N, 5) of one side, padded with zeros, and of places alone.
torch::Tensor Together(const std::vector<PairPlaces>& places, FittedPlaces PairPlaces::*side,
                       const std::vector<const Positions*>& images, int64_t size) {
  auto all = torch::zeros({static_cast<int64_t>(images.size()), size, 5});
  for (size_t i = 0; i < images.size(); ++i) {
    const int64_t n = images[i]->keypoints.size(0);
    auto rows = all[static_cast<int64_t>(i)].narrow(0, 0, n);
    rows.narrow(1, 0, 2).copy_(images[i]->keypoints);
    const FittedPlaces& of = places[i].*side;
    for (const auto& [column, values] : {std::pair{2, &of.x}, {3, &of.y}, {4, &of.precision}})
      rows.select(1, column).copy_(torch::tensor(*values));
  }
  return all;
}

// GuideRow of all rows of all pairs with LibTorch's operations. side0 (B, N, 5), side1 (B, M, 5); any (B)
// bool.
torch::Tensor GuideAll(const torch::Tensor& scores, const torch::Tensor& side0, const torch::Tensor& side1,
                       const torch::Tensor& any, const GuidanceStrength& strength) {
  const auto rows = side0.unsqueeze(2), columns = side1.unsqueeze(1);
  const auto error = [](const torch::Tensor& placed, const torch::Tensor& other) {
    const auto distance = placed.narrow(3, 2, 2) - other.narrow(3, 0, 2);
    return distance.square().sum(3) * placed.select(3, 4);
  };
  const auto says0 = rows.select(3, 4) > 0, says1 = columns.select(3, 4) > 0;
  const auto sides = says0.to(torch::kFloat) + says1.to(torch::kFloat);
  const auto mean = (error(rows, columns) + error(columns, rows)) / sides.clamp_min(1);
  const auto unsaid = (-strength.doubt * any.to(torch::kFloat)).view({-1, 1, 1});
  return scores + torch::where(sides > 0, (strength.bonus - mean).clamp_min(-strength.penalty), unsaid);
}

#if defined(COLMATCH_CUDA)
// What the kernels read and write of one side, kept while they run.
struct SideTensors {
  torch::Tensor counts, keypoints, matches, confidences, scales, places;

  SideTensors(const std::vector<const Positions*>& images, const torch::Tensor& matches_of,
              const torch::Tensor& confidences_of, const GuidanceOptions& options)
      : matches(matches_of.contiguous()), confidences(confidences_of.contiguous()) {
    const auto floats = confidences.options();
    std::vector<torch::Tensor> own;
    std::vector<float> ratios;
    for (const Positions* image : images) {
      own.push_back(image->keypoints.to(floats).unsqueeze(0));
      ratios.push_back(ScaleOf(*image, options));
    }
    const PaddedRows padded = PadRows(own);
    TORCH_CHECK(padded.rows.size(1) == matches.size(1), "GuideCouplings: matches of ", matches.size(1),
                " keypoints, images of ", padded.rows.size(1));
    keypoints = padded.rows;
    counts = torch::tensor(padded.counts).to(floats.dtype(torch::kInt), /*non_blocking=*/true);
    scales = torch::tensor(ratios).to(floats, /*non_blocking=*/true);
    places = torch::empty({3, keypoints.size(0), keypoints.size(1)}, floats);
  }

  GpuGuidanceSide Side() const {
    return {keypoints.size(1),           counts.data_ptr<int32_t>(),    keypoints.data_ptr<float>(),
            matches.data_ptr<int64_t>(), confidences.data_ptr<float>(), scales.data_ptr<float>(),
            places.data_ptr<float>()};
  }
};

torch::Tensor GuideInKernels(const PaddedScores& pairs, const PaddedMatches& matches,
                             const std::vector<const Positions*>& images0,
                             const std::vector<const Positions*>& images1, const GuidanceOptions& options) {
  const auto scores = pairs.scores.contiguous();
  const SideTensors side0(images0, matches.matches0, matches.matching_scores0, options),
      side1(images1, matches.matches1, matches.matching_scores1, options);
  const auto num_matches = torch::empty({scores.size(0)}, side0.counts.options());
  auto guided = torch::empty_like(scores);
  GpuGuidance g{scores.size(0), side0.Side(), side1.Side(), options.fit, options.strength};
  g.num_matches = num_matches.data_ptr<int32_t>();
  g.scores = scores.data_ptr<float>();
  g.guided = guided.data_ptr<float>();
  QueueOnGpu(scores.device(), [&](void* stream) { return GuideCouplingsOnGpu(g, stream); });
  return guided;
}
#endif

}  // namespace

bool GuideCandidates(const Candidates& candidates, const FeatureMatches& matches, const Positions& image0,
                     const Positions& image1, Candidates& guided, const GuidanceOptions& options) {
  const PairPlaces places = FindPlaces(matches, image0, image1, options);
  if (!places.any) return false;
  const auto keypoints0 = image0.keypoints.contiguous(), columns_xy = image1.keypoints.t().contiguous();
  const float *const xy0 = keypoints0.data_ptr<float>(), *const xy1 = columns_xy.data_ptr<float>();
  const int64_t m = candidates.columns;
  const GuidedColumns columns{{xy1, xy1 + m}, {xy1 + m, xy1 + 2 * m}, places.of1};
  guided.Reset(m, candidates.bin_score);
  EstimateOmitted(candidates.omitted1, places.of1, candidates.omitted0, places.of0, options.strength,
                  guided.omitted1);
  std::vector<float> omitted0, scores;
  EstimateOmitted(candidates.omitted0, places.of0, candidates.omitted1, places.of1, options.strength,
                  omitted0);
  for (int64_t i = 0; i < candidates.rows; ++i) {
    const auto row = static_cast<size_t>(i);
    const int64_t begin = candidates.begin(i), count = candidates.ends[row] - begin;
    simd::GrowTo(scores, count);
    GuideListed(candidates.scores.data() + begin, candidates.places.data() + begin, count,
                {xy0[2 * i], xy0[2 * i + 1], places.of0.x[row], places.of0.y[row], places.of0.precision[row]},
                columns, options.strength, scores.data());
    AddListedRow(scores.data(), candidates.places.data() + begin, count, omitted0[row], kGuidedMargin,
                 guided);
  }
  BoundOmitted(candidates, places, xy0, image1.keypoints.contiguous().data_ptr<float>(), options.strength,
               guided);
  return true;
}

torch::Tensor GuideCouplings(const PaddedScores& pairs, const PaddedMatches& matches,
                             const std::vector<const Positions*>& images0,
                             const std::vector<const Positions*>& images1, const GuidanceOptions& options) {
  torch::NoGradGuard no_grad;
#if defined(COLMATCH_CUDA)
  if (pairs.scores.is_cuda()) return GuideInKernels(pairs, matches, images0, images1, options);
#endif
  std::vector<PairPlaces> places;
  const auto each = EachPair(matches, pairs.counts0, pairs.counts1);
  for (size_t i = 0; i < each.size(); ++i)
    places.push_back(FindPlaces(each[i], *images0[i], *images1[i], options));
  if (pairs.scores.is_cpu() && places.size() == 1)
    return GuideOnCpu(pairs.scores[0], places[0], *images0[0], *images1[0], options).unsqueeze(0);
  const auto side = [&](FittedPlaces PairPlaces::*of, const std::vector<const Positions*>& images, int dim) {
    return Together(places, of, images, pairs.scores.size(dim)).to(pairs.scores.device());
  };
  std::vector<int> any;
  for (const PairPlaces& pair : places) any.push_back(pair.any);
  return GuideAll(pairs.scores, side(&PairPlaces::of0, images0, 1), side(&PairPlaces::of1, images1, 2),
                  torch::tensor(any, pairs.scores.device()), options.strength);
}

}  // namespace colmatch
