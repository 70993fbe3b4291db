// Reconstruction of a collection; see reconstruction_pipeline.h.
#include "plugin/reconstruction/reconstruction_pipeline.h"

#include <filesystem>
#include <string>

#include "database_io/colmap_database.h"
#include "plugin/extraction/feature_pipeline.h"
#include "plugin/matching/collection_pairs.h"
#include "plugin/matching/matching_pipeline.h"
#include "plugin/matching/rotated_pipeline.h"
#include "plugin/reconstruction/inconsistent_pairs.h"
#include "plugin/reconstruction/mapper_run.h"
#include "plugin/reconstruction/reconstruction_report.h"
#include "plugin/report/report.h"
#include "plugin/report/report_html.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/progress_stage.h"
#include "plugin/runtime/stop_signal.h"
#include "plugin/runtime/stopwatch.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

int NumImages(const std::string& database_path) {
  return static_cast<int>(ColmapDatabase(database_path, DatabaseMode::kReadOnly).Images().size());
}

void Map(const MapperProgram& program, const ReconstructionOptions& o, const CommonOptions& common,
         const std::string& database_path, const fs::path& sparse) {
  MapperRun run;
  run.program = program;
  run.database_path = database_path;
  run.image_path = o.features.image_path;
  run.sparse = sparse;
  run.log = MapperLog(o);
  if (o.mapper != "global") {  // options of the incremental mapper, which the hierarchical one has, too
    run.arguments = o.mapper_arguments;
    run.num_threads = common.num_threads;
  }
  run.num_images = NumImages(database_path);
  run.progress = common.progress;
  RunMapper(run);
}

// The database that the mapper is given: the user's, or a copy without the pairs that contradict the others.
std::string DatabaseForMapper(const ReconstructionOptions& o, const CommonOptions& common,
                              ReportData& report) {
  const Stopwatch watch;
  report.contradictions = FindContradictions(o.matching.database_path, common);
  const bool drop = o.contradicting_pairs == "drop" && !report.contradictions.empty();
  const size_t count = report.contradictions.size();
  if (count > 0)
    LogInfo(std::to_string(count) +
            (count == 1 ? " verified pair contradicts" : " verified pairs contradict") +
            " the others by the way their cameras are turned; the report names them" +
            (drop ? "; the mapper is not given them" : ""));
  for (ReportContradiction& pair : report.contradictions) pair.left_out = drop;
  const fs::path copy = fs::path(o.workspace_path) / "mapper.db";
  if (drop) CopyWithout(report.contradictions, o.matching.database_path, copy, common);
  report.stages.push_back({"contradictions", watch.Seconds(), std::to_string(count) + " pairs"});
  return drop ? copy.string() : o.matching.database_path;
}

// False if it was stopped.
bool MatchRotatedWhereDue(const ReconstructionOptions& o, const CommonOptions& common, ReportData& report,
                          ReconstructionResult& result) {
  if (o.turned == "never") return true;
  const Stopwatch watch;
  const int groups = CountGroups(o.matching.database_path, common);
  if (groups <= 1 && o.turned == "auto") return true;
  LogInfo("the photos fall into " + std::to_string(groups) +
          " groups without a verified pair between them: matching them rotated too");
  const MatchingPipelineStats turned = MatchRotated(o.features, o.matching, common);
  report.stages.push_back({"matching of rotated photos", watch.Seconds(),
                           std::to_string(turned.matched) + " pairs match better rotated, " +
                               std::to_string(turned.already_there) + " were tried before"});
  result.skipped.insert(result.skipped.end(), turned.skipped.begin(), turned.skipped.end());
  return !turned.stopped;
}

}  // namespace

ReconstructionResult Reconstruct(const ReconstructionOptions& o, const CommonOptions& common) {
  MapperProgram mapper;
  if (o.run_mapper) mapper = FindMapper(o.mapper);  // what is missing is said before hours of work
  ReconstructionResult result;
  ReportData report;
  report.title = fs::path(o.features.image_path).lexically_normal().string();
  report.command_line = o.command_line;
  AddOptionsInForce(o, common, report);
  report.date = ReportDate();

  FeaturePipelineStats features;
  const int num_stages = o.run_extraction + o.run_matching + o.run_mapper;
  int stage = 0;
  if (o.run_extraction) {
    const ProgressStage shown(++stage, num_stages);
    const Stopwatch watch;
    features = ExtractCollection(o.features, common);
    result.skipped = features.skipped;
    report.stages.push_back({"features", watch.Seconds(),
                             std::to_string(features.extracted) + " photos, " +
                                 std::to_string(features.already_there) + " there already"});
  }
  MatchingPipelineStats matches;
  if (o.run_matching && !features.stopped) {
    const ProgressStage shown(++stage, num_stages);
    const Stopwatch watch;
    matches = MatchPairs(o.matching, common, CollectionPairs(o.pairs, common));
    report.stages.push_back({"matching and verification", watch.Seconds(),
                             std::to_string(matches.matched) + " pairs, " +
                                 std::to_string(matches.already_there) + " there already"});
  }
  result.stopped = features.stopped || matches.stopped ||
                   (o.run_matching && !MatchRotatedWhereDue(o, common, report, result));
  if (result.stopped || !o.run_mapper) return result;

  const std::string mapped = DatabaseForMapper(o, common, report);
  Stopwatch mapper_watch;
  const fs::path sparse = EmptySparseFolder(o.workspace_path);
  const ProgressStage shown(++stage, num_stages);
  Map(mapper, o, common, mapped, sparse);
  report.stages.push_back({o.mapper + " mapper", mapper_watch.Seconds(), mapper.name});
  result.stopped = StopRequested();
  if (result.stopped) return result;

  AddOutcome(o, sparse, report, result);
  AddWeights("SuperPoint " + common.weights, features.weights, report);
  AddWeights("SuperGlue " + common.weights, matches.weights, report);
  for (const SkippedInput& input : result.skipped) report.skipped.push_back({input.name, input.reason});
  result.num_images = static_cast<int>(report.images.size() + report.skipped.size());
  result.num_pairs = static_cast<int>(report.pairs.size());
  WriteReport(report, o.workspace_path);
  return result;
}

}  // namespace colmatch
