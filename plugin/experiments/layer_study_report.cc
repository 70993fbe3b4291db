// Tables and pictures of a layer study; see layer_study.h.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "plugin/experiments/layer_study.h"
#include "plugin/runtime/plot.h"
#include "util/atomic_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Over the seeds of one depth.
struct Spread {
  double mean = 0, low = 0, high = 0;
};

std::string Text(const Spread& s, double scale, int digits) {
  char text[96];
  std::snprintf(text, sizeof text, "%.*f (%.*f-%.*f)", digits, s.mean * scale, digits, s.low * scale, digits,
                s.high * scale);
  return text;
}

std::string Text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

double Largest(const MetricSeries& metrics, const std::string& name) {
  const auto found = metrics.find(name);
  return found == metrics.end() || found->second.empty()
             ? std::nan("")
             : *std::max_element(found->second.begin(), found->second.end());
}

double Last(const MetricSeries& metrics, const std::string& name) {
  const auto found = metrics.find(name);
  return found == metrics.end() || found->second.empty() ? std::nan("") : found->second.back();
}

// The runs of one depth.
class Depth {
 public:
  Depth(int depth, std::vector<const StudiedRun*> runs) : depth_(depth), runs_(std::move(runs)) {}
  int depth() const { return depth_; }
  const std::vector<const StudiedRun*>& runs() const { return runs_; }

  Spread Over(const std::function<double(const StudiedRun&)>& value) const {
    std::vector<double> values;
    for (const StudiedRun* run : runs_) values.push_back(value(*run));
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    double sum = 0;
    for (const double v : values) sum += v;
    return {sum / static_cast<double>(values.size()), *low, *high};
  }
  Spread LargestOf(const std::string& metric) const {
    return Over([&](const StudiedRun& r) { return Largest(r.run.metrics, metric); });
  }

 private:
  int depth_;
  std::vector<const StudiedRun*> runs_;
};

// The deepest first.
std::vector<Depth> ByDepth(const std::vector<StudiedRun>& runs) {
  std::map<int, std::vector<const StudiedRun*>, std::greater<int>> members;
  for (const StudiedRun& run : runs) members[run.depth].push_back(&run);
  std::vector<Depth> depths;
  for (auto& item : members) depths.emplace_back(item.first, std::move(item.second));
  return depths;
}

class Report {
 public:
  Report(const std::string& folder, const LayerStudyResult& result)
      : folder_(folder),
        result_(result),
        depths_(ByDepth(result.runs)),
        dataset_(EstimateDatasetCapacity(result.dataset, result.dataset_features)) {}

  void Write() {
    WriteHeader();
    for (const Depth& depth : depths_) WriteDepth(depth);
    WriteDataset();
    for (const auto& item : accuracy_) curves_.push_back(item.second);
    Plot("accuracy_by_capacity", "accuracy by memory-equivalent capacity", "bits", curves_);
    Plot("generalization", "generalisation by memory-equivalent capacity", "bits", {generalization_});
    for (const char* metric : {"accuracy", "loss", "validation_accuracy", "validation_loss"})
      PlotMetric(metric);
    WriteFileAtomically((folder_ / "layer_study.md").string(), text_.str());
    WriteFileAtomically((folder_ / "layer_study.json").string(), json_.dump(2) + "\n");
    std::fputs(text_.str().c_str(), stdout);
  }

 private:
  void WriteHeader() {
    std::vector<std::string> titles = {"L", "MEC as in the paper", "MEC corrected", "training accuracy",
                                       "validation accuracy"};
    for (const std::string& test : result_.tests) {
      titles.push_back(test + " accuracy");
      titles.push_back(test + " match accuracy");
    }
    for (const char* title : {"validation loss", "ms a pair", "hours", "G of the paper", "G bits per bit"})
      titles.emplace_back(title);
    std::string line = "|";
    text_ << '|';
    for (const std::string& title : titles) text_ << ' ' << title << " |", line += "---|";
    text_ << '\n' << line << '\n';
  }

  void WriteDepth(const Depth& depth) {
    const double seed_bits = SeedCapacityBits(depth.depth()),
                 bits = SuperGlueCapacityBits(depth.depth(), depth.runs().front()->descriptor_dim,
                                              result_.num_keypoints);
    const Spread training = depth.LargestOf("accuracy"), validation = depth.LargestOf("validation_accuracy");
    const double correct = training.mean * static_cast<double>(dataset_.rows);
    const double g_seed = SeedGeneralization(correct, seed_bits),
                 g = GeneralizationBitsPerBit(correct, dataset_.label_entropy_bits, bits);
    Json& json = json_["depths"][std::to_string(depth.depth())];
    json = {{"runs", depth.runs().size()},
            {"mec_seed_bits", seed_bits},
            {"mec_bits", bits},
            {"training_accuracy", training.mean},
            {"validation_accuracy", validation.mean}};
    text_ << "| " << depth.depth() << " | " << seed_bits << " | " << bits << " | " << Text(training, 100, 2)
          << " | " << Text(validation, 100, 2) << " |";
    AddPoint("training", bits, training.mean);
    AddPoint("validation", bits, validation.mean);
    for (const std::string& test : result_.tests) {
      const Spread all = depth.Over([&](const StudiedRun&r) { return r.quality.at(test).labels.accuracy(); }),
                   matched = depth.Over(
                       [&](const StudiedRun&r) { return r.quality.at(test).labels.match_accuracy(); });
      text_ << ' ' << Text(all, 100, 2) << " | " << Text(matched, 100, 2) << " |";
      json["tests"][test] = {{"accuracy", all.mean}, {"match_accuracy", matched.mean}};
      AddPoint(test, bits, all.mean);
    }
    const Spread loss = depth.Over([](const StudiedRun&r) { return Last(r.run.metrics, "validation_loss"); }),
                 milliseconds = depth.Over([](const StudiedRun&r) { return r.milliseconds; }),
                 hours = depth.Over([](const StudiedRun&r) { return r.run.seconds / 3600; });
    text_ << ' ' << Text(loss, 1, 3) << " | " << Text(milliseconds, 1, 1) << " | " << Text(hours, 1, 2)
          << " | " << Text(g_seed) << " | " << Text(g) << " |\n";
    json["validation_loss"] = loss.mean;
    json["milliseconds"] = milliseconds.mean;
    json["hours"] = hours.mean;
    json["g_seed"] = g_seed;
    json["g_bits_per_bit"] = g;
    generalization_.x.push_back(bits);
    generalization_.y.push_back(g);
  }

  void WriteDataset() {
    text_ << "\nDataset: " << dataset_.rows << " rows, " << result_.dataset_features
          << " features, labels 0 to " << result_.dataset_classes - 1 << " of "
          << Text(dataset_.label_entropy_bits) << " bits; estimated capacity " << Text(dataset_.expected_bits)
          << " bits (at most " << Text(dataset_.maximum_bits) << "), expected generalisation "
          << Text(dataset_.expected_generalization) << " bits per bit.\n";
    json_["dataset"] = {{"rows", dataset_.rows},
                        {"features", result_.dataset_features},
                        {"label_entropy_bits", dataset_.label_entropy_bits},
                        {"expected_bits", dataset_.expected_bits},
                        {"maximum_bits", dataset_.maximum_bits},
                        {"expected_generalization", dataset_.expected_generalization}};
    const std::vector<double> shares = {0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1};
    Curve curve{"estimated capacity", shares, {}};
    for (const DatasetCapacity& part : CapacityProgression(result_.dataset, result_.dataset_features, shares))
      curve.y.push_back(part.expected_bits);
    json_["capacity_progression"] = {{"share", shares}, {"expected_bits", curve.y}};
    Plot("capacity_progression", "capacity progression, bits", "share of the rows", {curve});
  }

  void AddPoint(const std::string& label, double x, double y) {
    Curve& curve = accuracy_[label];
    curve.label = label;
    curve.x.push_back(x);
    curve.y.push_back(y);
  }

  void Plot(const std::string& name, const std::string& title, const std::string& x,
            const std::vector<Curve>& curves) const {
    PlotCurves((folder_ / (name + ".png")).string(), title, x, curves);
  }

  // Of each depth the mean over its seeds.
  void PlotMetric(const std::string& metric) const {
    std::vector<Curve> curves;
    for (const Depth& depth : depths_) {
      const MetricSeries& first = depth.runs().front()->run.metrics;
      const auto steps = first.find(metric + "_step");
      if (steps == first.end()) continue;
      Curve curve{"L = " + std::to_string(depth.depth()), steps->second, {}};
      for (size_t i = 0; i < steps->second.size(); ++i) {
        curve.y.push_back(depth
                              .Over([&](const StudiedRun& r) {
                                const auto values = r.run.metrics.find(metric);
                                return values != r.run.metrics.end() && i < values->second.size()
                                           ? values->second[i]
                                           : std::nan("");
                              })
                              .mean);
      }
      curves.push_back(std::move(curve));
    }
    Plot(metric, metric, "step", curves);
  }

  fs::path folder_;
  const LayerStudyResult& result_;
  std::vector<Depth> depths_;
  DatasetCapacity dataset_;
  std::ostringstream text_;
  Json json_;
  std::map<std::string, Curve> accuracy_;
  std::vector<Curve> curves_;
  Curve generalization_{"G, bits per bit", {}, {}};
};

}  // namespace

void WriteLayerStudy(const std::string& folder, const LayerStudyResult& result) {
  Report(folder, result).Write();
}

}  // namespace colmatch
