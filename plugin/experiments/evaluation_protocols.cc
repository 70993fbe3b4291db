// What the protocols have in common; see evaluation_protocols.h.
#include "plugin/experiments/evaluation_protocols.h"

#include "plugin/runtime/progress.h"
#include "plugin/runtime/stop_signal.h"
#include "plugin/workers/engine_pool.h"
#include "plugin/workers/in_order.h"
#include "util/error.h"

namespace colmatch {
namespace {

struct Measured {
  MethodMeasures rows;
  std::string error;  // why the pair cannot be measured; empty if it was
};

// A worker's methods: its own on the CPU, the caller's on a GPU.
struct Worker {
  std::unique_ptr<EvaluationMethods> own;
  EvaluationMethods* methods;
};

EnginePool<Worker> MakeWorkers(EvaluationMethods& methods, int num_threads) {
  if (!methods.is_on_cpu())
    return {{torch::kCPU}, [&](torch::Device) {
              return std::make_unique<Worker>(Worker{nullptr, &methods});
            }};
  return {WorkersOn({torch::kCPU}, num_threads), [&](torch::Device) {
            auto own = std::make_unique<EvaluationMethods>(methods.ShareOnCpu());
            EvaluationMethods* const shared = own.get();
            return std::make_unique<Worker>(Worker{std::move(own), shared});
          }};
}

}  // namespace

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

void ForEachPair(const std::vector<std::string>& names, const EvaluationInput& input,
                 EvaluationMethods& methods, EvaluationOutcome& outcome,
                 const std::function<MethodMeasures(size_t i, EvaluationMethods& methods)>& measure) {
  auto workers = MakeWorkers(methods, input.num_threads);
  InOrder<Measured> measured(4 * workers.size(), "wait for pairs");
  ProgressBar bar("pairs", static_cast<int64_t>(names.size()), input.progress);
  int64_t done = 0;
  for (size_t i = 0; i < names.size() && !StopRequested(); ++i) {
    auto result = workers.Submit([&measure, i](Worker& worker) {
      try {
        return Measured{measure(i, *worker.methods), ""};
      } catch (const InputError& error) {
        return Measured{{}, error.what()};
      }
    });
    measured.Add(std::move(result), [&, i](Measured pair) {
      bar.Update(++done);
      if (pair.error.empty()) {
        for (auto& [label, row] : pair.rows) outcome.rows.rows[label].push_back(std::move(row));
        outcome.rows.pairs.push_back(names[i]);
      } else if (i == 0 || names[i] != names[i - 1]) {
        outcome.skipped.push_back({names[i], pair.error});
      }
    });
  }
  measured.Finish();
}

}  // namespace colmatch
