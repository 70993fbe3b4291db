// What the protocols have in common; see evaluation_protocols.h.
#include "plugin/evaluation_protocols.h"

#include "network/error.h"
#include "plugin/progress.h"
#include "plugin/stop_signal.h"

namespace colmatch {

EvaluationOutcome NewOutcome(const std::string& title, const EvaluationMethods& methods,
                             const std::string& failure_measure, std::vector<Statistic> statistics,
                             std::vector<PublishedRow> published) {
  EvaluationOutcome outcome;
  outcome.report.title = title;
  outcome.report.methods = methods.labels();
  outcome.report.statistics = std::move(statistics);
  outcome.report.failure_measure = failure_measure;
  outcome.report.published = std::move(published);
  return outcome;
}

void ForEachPair(const std::vector<std::string>& names, const std::string& progress,
                 EvaluationOutcome& outcome, const std::function<void(size_t i)>& measure) {
  ProgressBar bar("pairs", static_cast<int64_t>(names.size()), progress);
  for (size_t i = 0; i < names.size() && !StopRequested(); ++i) {
    try {
      measure(i);
      outcome.rows.pairs.push_back(names[i]);
    } catch (const InputError& error) {
      const bool noted = i > 0 && names[i] == names[i - 1];
      if (!noted) outcome.skipped.push_back({names[i], error.what()});
    }
    bar.Update(static_cast<int64_t>(i) + 1);
  }
}

}  // namespace colmatch
