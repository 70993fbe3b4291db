// SuperGlue's loss; see superglue_loss.h.
#include "training/losses/superglue_loss.h"

#include <torch/torch.h>

#include "network/features.h"

namespace colmatch {

torch::Tensor AssignmentLoss(const torch::Tensor& log_assignment, const torch::Tensor& matches0,
                             const torch::Tensor& matches1, double positive_weight) {
  const int64_t n = log_assignment.size(1) - 1, m = log_assignment.size(2) - 1;
  TORCH_CHECK(matches0.size(1) == n && matches1.size(1) == m, "AssignmentLoss: labels ", matches0.sizes(),
              " and ", matches1.sizes(), " do not fit the assignment ", log_assignment.sizes());
  const auto inner = log_assignment.narrow(1, 0, n);
  const auto matched0 = (matches0 >= 0).to(log_assignment.scalar_type());
  const auto unmatched0 = (matches0 == kUnmatched).to(log_assignment.scalar_type());
  const auto unmatched1 = (matches1 == kUnmatched).to(log_assignment.scalar_type());
  const auto at_match = inner.gather(2, matches0.clamp_min(0).unsqueeze(2)).squeeze(2);
  const auto at_bin0 = inner.select(2, m), at_bin1 = log_assignment.select(1, n).narrow(1, 0, m);
  const auto positive = -(at_match * matched0).sum() / matched0.sum().clamp_min(1);
  const auto negative = -((at_bin0 * unmatched0).sum() + (at_bin1 * unmatched1).sum()) /
                        (unmatched0.sum() + unmatched1.sum()).clamp_min(1);
  return positive_weight * positive + (1 - positive_weight) * negative;
}

torch::Tensor AssignmentDistillation(const torch::Tensor& log_assignment, const torch::Tensor& taught) {
  const int64_t n = taught.size(1) - 1, m = taught.size(2) - 1;
  const auto cross = -taught.exp() * log_assignment;
  const auto rows = cross.narrow(1, 0, n).sum({1, 2}), columns = cross.narrow(2, 0, m).sum({1, 2});
  return ((rows + columns) / static_cast<double>(n + m)).mean();
}

MatchCounts& MatchCounts::operator+=(const MatchCounts& other) {
  predicted += other.predicted;
  correct += other.correct;
  possible += other.possible;
  return *this;
}

LabelCounts& LabelCounts::operator+=(const LabelCounts& other) {
  labelled += other.labelled;
  right += other.right;
  matched += other.matched;
  matched_right += other.matched_right;
  return *this;
}

LabelCounts CountLabels(const torch::Tensor& log_assignment, const torch::Tensor& matches0,
                        const torch::Tensor& matches1) {
  torch::NoGradGuard no_grad;
  LabelCounts counts;
  // rows (B, n, m + 1): each keypoint's entries, the dustbin's last.
  const auto add = [&](const torch::Tensor& rows, const torch::Tensor& labels) {
    const auto chosen = rows.argmax(2);
    const auto dustbin = torch::full_like(labels, rows.size(2) - 1);
    const auto right = chosen == torch::where(labels >= 0, labels, dustbin);
    const auto matched = labels >= 0, labelled = labels != kIgnored;
    counts += {labelled.sum().item<double>(), (right & labelled).sum().item<double>(),
               matched.sum().item<double>(), (right & matched).sum().item<double>()};
  };
  add(log_assignment.narrow(1, 0, matches0.size(1)), matches0);
  add(log_assignment.transpose(1, 2).narrow(1, 0, matches1.size(1)), matches1);
  return counts;
}

MatchCounts CountMatches(const torch::Tensor& predicted0, const torch::Tensor& labelled0) {
  const auto counted = (predicted0 >= 0) & (labelled0 != kIgnored);
  return {counted.sum().item<double>(), (counted & (predicted0 == labelled0)).sum().item<double>(),
          (labelled0 >= 0).sum().item<double>()};
}

}  // namespace colmatch
