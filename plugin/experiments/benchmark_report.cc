// The report of a benchmark as a table and a plot; see benchmark_run.h.
#include <cstdio>
#include <map>

#include "plugin/experiments/benchmark_run.h"
#include "plugin/runtime/plot.h"

namespace colmatch {

using Json = nlohmann::ordered_json;

void PrintBenchmark(const Json& report) {
  std::printf("matrix product:");
  for (const auto& [precision, rate] : report["gemm_gflops"].items())
    std::printf(" %s %.0f GFLOP/s", precision.c_str(), rate.get<double>());
  std::printf("\n%-20s %5s %6s %9s %13s %11s %10s %12s %12s %9s %6s %9s\n", "weights", "depth", "arith.",
              "keypoints", "superpoint ms", "prepare ms", "layers ms", "transport ms", "guidance ms",
              "pairs/s", "share", "as fp32");
  for (const Json& r : report["results"]) {
    const Json& ms = r["median_ms"];
    std::printf("%-20s %5d %6s %9d %13.1f %11.1f %10.1f %12.1f %12.1f %9.2f %5.1f%%",
                r["weights"].get<std::string>().c_str(), r["depth"].get<int>(),
                r["precision"].get<std::string>().c_str(), r["num_keypoints"].get<int>(),
                ms["superpoint"].get<double>(), ms["prepare"].get<double>(), ms["layers"].get<double>(),
                ms["sinkhorn"].get<double>(), ms["guidance"].get<double>(),
                r["pairs_per_second"].get<double>(), 100 * r["share_of_matrix_product"].get<double>());
    if (r.contains("equal_to_fp32")) std::printf(" %8.2f%%", 100 * r["equal_to_fp32"].get<double>());
    std::printf("\n");
  }
}

// The rate a network reaches over its size, under the matrix product of its precision.
void PlotRoofline(const Json& report, const std::string& path) {
  std::map<std::string, Curve> reached, roofs;
  for (const Json& r : report["results"]) {
    const std::string precision = r["precision"];
    const double gflop = r["gflop_per_pair"], roof = report["gemm_gflops"][precision];
    for (auto* curves : {&reached, &roofs}) {
      Curve& curve = (*curves)[precision];
      curve.label = precision + (curves == &roofs ? ": matrix product" : ": SuperGlue without transport");
      curve.x.push_back(gflop);
      curve.y.push_back(curves == &roofs ? roof : roof * r["share_of_matrix_product"].get<double>());
    }
  }
  std::vector<Curve> all;
  for (const auto* curves : {&roofs, &reached}) {
    for (const auto& item : *curves) all.push_back(item.second);
  }
  PlotCurves(path, "GFLOP/s", "GFLOP a pair", all);
}

}  // namespace colmatch
