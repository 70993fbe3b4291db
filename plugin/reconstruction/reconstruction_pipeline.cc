// Reconstruction of a collection; see reconstruction_pipeline.h.
#include "plugin/reconstruction/reconstruction_pipeline.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "database_io/colmap_database.h"
#include "evaluation/colmap_model.h"
#include "evaluation/model_comparison.h"
#include "matcher/devices.h"
#include "plugin/extraction/colmap_convert.h"
#include "plugin/matching/collection_pairs.h"
#include "plugin/matching/turned_pipeline.h"
#include "plugin/photos/image_reader.h"
#include "plugin/reconstruction/reconstruction_failure.h"
#include "plugin/report/match_picture.h"
#include "plugin/report/report.h"
#include "plugin/report/report_html.h"
#include "plugin/runtime/colmap_program.h"
#include "plugin/runtime/handover.h"
#include "plugin/runtime/log.h"
#include "plugin/runtime/stop_signal.h"
#include "util/error.h"
#include "util/image_names.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

const char* ConfigName(TwoViewConfig config) {
  static const std::map<TwoViewConfig, const char*> names = {
      {TwoViewConfig::kUndefined, "UNDEFINED"},
      {TwoViewConfig::kDegenerate, "DEGENERATE"},
      {TwoViewConfig::kCalibrated, "CALIBRATED"},
      {TwoViewConfig::kUncalibrated, "UNCALIBRATED"},
      {TwoViewConfig::kPlanar, "PLANAR"},
      {TwoViewConfig::kPanoramic, "PANORAMIC"},
      {TwoViewConfig::kPlanarOrPanoramic, "PLANAR_OR_PANORAMIC"},
      {TwoViewConfig::kWatermark, "WATERMARK"},
      {TwoViewConfig::kMultiple, "MULTIPLE"},
      {TwoViewConfig::kCalibratedRig, "CALIBRATED_RIG"}};
  const auto found = names.find(config);
  return found == names.end() ? "?" : found->second;
}

// The mapper writes its models beside older ones without asking: it gets an empty folder, and the models of a
// run before are moved aside, never deleted.
fs::path EmptySparseFolder(const fs::path& workspace) {
  const fs::path sparse = workspace / "sparse";
  if (fs::exists(sparse) && !fs::is_empty(sparse)) {
    int number = 1;
    while (fs::exists(workspace / ("sparse.old" + std::to_string(number)))) ++number;
    const fs::path old = workspace / ("sparse.old" + std::to_string(number));
    fs::rename(sparse, old);
    LogInfo("models of an earlier run are now in " + old.string());
  }
  fs::create_directories(sparse);
  return sparse;
}

fs::path MapperLog(const ReconstructionOptions& o) { return fs::path(o.workspace_path) / "mapper.log"; }

void RunMapper(const std::string& colmap, const ReconstructionOptions& o, const CommonOptions& common,
               const fs::path& sparse) {
  const std::string mapper = o.mapper == "incremental" ? "mapper" : o.mapper + "_mapper";
  std::vector<std::string> command = {colmap,
                                      mapper,
                                      "--database_path",
                                      o.matching.database_path,
                                      "--image_path",
                                      o.features.image_path,
                                      "--output_path",
                                      sparse.string()};
  command.insert(command.end(), o.mapper_arguments.begin(), o.mapper_arguments.end());
  if (common.num_threads > 0 && o.mapper == "incremental")
    command.insert(command.end(), {"--Mapper.num_threads", std::to_string(common.num_threads)});
  const fs::path log = MapperLog(o);
  const int status = RunProgram(command, log.string());
  if (StopRequested()) return;
  // COLMAP's mapper exits 1 where it finds no model, which is a result; a signal is a fault.
  if (status > 128) {
    throw EnvironmentError("colmap " + mapper + " was ended by signal " + std::to_string(status - 128) +
                           "; its output is in " + log.string());
  }
}

// False if it was stopped.
bool MatchTurnedWhereDue(const ReconstructionOptions& o, const CommonOptions& common, ReportData& report,
                         ReconstructionResult& result) {
  if (o.turned == "never") return true;
  const Stopwatch watch;
  const int groups = CountGroups(o.matching.database_path, common);
  if (groups <= 1 && o.turned == "auto") return true;
  LogInfo("the photos fall into " + std::to_string(groups) +
          " groups without a verified pair between them: matching them turned too");
  const MatchingPipelineStats turned = MatchTurned(o.features, o.matching, common);
  report.stages.push_back({"matching of turned photos", watch.Seconds(),
                           std::to_string(turned.matched) + " pairs match better turned, " +
                               std::to_string(turned.already_there) + " were looked at before"});
  result.skipped.insert(result.skipped.end(), turned.skipped.begin(), turned.skipped.end());
  return !turned.stopped;
}

// Rows of the report from the database.
struct DatabaseView {
  std::vector<Image> images;
  std::map<image_t, int> index;
};

void FillImagesAndPairs(ColmapDatabase& database, DatabaseView& view, ReportData& report,
                        ReconstructionResult& result) {
  std::map<camera_t, Camera> cameras;
  for (const Camera& camera : database.Cameras()) cameras[camera.camera_id] = camera;
  view.images = database.Images();
  for (const Image& image : view.images) {
    view.index[image.image_id] = static_cast<int>(report.images.size());
    ReportImage row;
    row.name = image.name;
    row.width = static_cast<int>(cameras[image.camera_id].width);
    row.height = static_cast<int>(cameras[image.camera_id].height);
    row.num_keypoints = static_cast<int>(database.NumKeypoints(image.image_id));
    report.images.push_back(row);
  }
  for (const auto& [id1, id2] : database.AllMatchedPairs()) {
    if (!database.HasTwoViewGeometry(id1, id2)) continue;
    const TwoViewGeometry geometry = database.ReadTwoViewGeometry(id1, id2);
    ReportPair pair{view.index[id1], view.index[id2], static_cast<int>(database.ReadMatches(id1, id2).size()),
                    static_cast<int>(geometry.inlier_matches.size()), ConfigName(geometry.config)};
    if (pair.num_inliers > 0) {
      for (const int i : {pair.i, pair.j}) {
        ++report.images[i].num_verified_pairs;
        report.images[i].num_verified_matches += pair.num_inliers;
      }
    }
    result.num_verified_pairs += pair.num_inliers > 0;
    report.pairs.push_back(std::move(pair));
  }
}

std::vector<cv::Point2f> PointsForPicture(ColmapDatabase& database, image_t id) {
  std::vector<cv::Point2f> points;
  for (const auto& p : PointsInColmap(database.ReadKeypoints(id))) {
    points.emplace_back(static_cast<float>(p.x()), static_cast<float>(p.y()));
  }
  return points;
}

// Evenly chosen where there are many: hundreds of lines hide the photos.
std::vector<std::pair<int, int>> MatchesForPicture(const Matches& inliers) {
  constexpr size_t kMaxLines = 120;
  const size_t count = std::min(inliers.size(), kMaxLines);
  std::vector<std::pair<int, int>> matches;
  for (size_t k = 0; k < count; ++k) {
    const auto& m = inliers[k * inliers.size() / count];
    matches.emplace_back(static_cast<int>(m[0]), static_cast<int>(m[1]));
  }
  return matches;
}

// The verified pairs spread from most to fewest inliers: the best alone would hide the weak ones.
void AddPictures(ColmapDatabase& database, const DatabaseView& view, const ReconstructionOptions& o,
                 ReportData& report) {
  std::vector<ReportPair> verified;
  for (const ReportPair& pair : report.pairs) {
    if (pair.num_inliers > 0) verified.push_back(pair);
  }
  std::sort(verified.begin(), verified.end(),
            [](const auto& a, const auto& b) { return a.num_inliers > b.num_inliers; });
  const int count = std::min<int>(o.num_match_pictures, static_cast<int>(verified.size()));
  for (int k = 0; k < count; ++k) {
    const ReportPair& pair = verified[count > 1 ? k * (verified.size() - 1) / (count - 1) : 0];
    const Image &a = view.images[pair.i], &b = view.images[pair.j];
    const auto matches =
        MatchesForPicture(database.ReadTwoViewGeometry(a.image_id, b.image_id).inlier_matches);
    const fs::path folder(o.features.image_path);
    std::string caption = a.name + " - " + b.name + ": " + std::to_string(pair.num_inliers) + " inliers of " +
                          std::to_string(pair.num_matches) + " matches";
    if (matches.size() < static_cast<size_t>(pair.num_inliers))
      caption += "; " + std::to_string(matches.size()) + " inliers are drawn";
    report.pictures.push_back({caption, DrawMatches(ReadGrayImage(PhotoPath(folder, a.name)).gray,
                                                    PointsForPicture(database, a.image_id),
                                                    ReadGrayImage(PhotoPath(folder, b.name)).gray,
                                                    PointsForPicture(database, b.image_id), matches, {})});
  }
}

// Which model each image is in: the largest is the one that counts.
void MarkRegistered(const ColmapModel& model, const std::string& name, bool largest, ReportData& report) {
  std::set<std::string> registered;
  for (const auto& item : model.images) registered.insert(item.second.name);
  for (ReportImage& image : report.images) {
    if (registered.count(image.name) == 0) continue;
    image.registered |= largest;
    if (!image.registered && image.error.empty()) image.error = "in model " + name + " only";
  }
}

void AddModels(const fs::path& sparse, const std::string& truth_path, ReportData& report,
               ReconstructionResult& result) {
  for (const fs::path& folder : FindColmapModels(sparse)) {
    const ColmapModel model = ReadColmapModel(folder);
    const std::string name = folder.filename().string();
    MarkRegistered(model, name, report.models.empty(), report);
    report.models.push_back({name, Summarize(model)});
    result.models.push_back(report.models.back().statistics);
    if (report.models.size() > 1) continue;
    result.num_registered = static_cast<int>(model.images.size());
    if (!truth_path.empty()) report.truth = CompareWithTruth(model, ReadTruth(truth_path));
  }
  for (ReportImage& image : report.images) {
    if (image.registered || !image.error.empty()) continue;
    if (image.num_verified_pairs == 0) image.error = "no verified pair with another photo";
  }
}

void AddFailure(const ReconstructionOptions& o, ReportData& report, ReconstructionResult& result) {
  if (!report.models.empty()) return;
  std::ifstream log(MapperLog(o), std::ios::binary);
  const FailureExplanation explanation =
      ExplainFailure(report, std::string(std::istreambuf_iterator<char>(log), {}));
  report.failure = result.failure = explanation.reason;
  report.advice = result.advice = explanation.advice;
}

void AddWeights(const std::string& name, const UsedWeights& weights, ReportData& report) {
  if (weights.sha256.empty()) return;
  const auto licence = weights.metadata.find("licence");
  report.weights.push_back(
      {name, licence == weights.metadata.end() ? "not stated" : licence->second, weights.sha256});
}

// What "auto" and -1 came to is said too.
void AddOptions(const ReconstructionOptions& o, const CommonOptions& common, ReportData& report) {
  report.options = o.options_in_force;
  std::string devices;
  for (const auto& device : DevicesFromName(common.device))
    devices += (devices.empty() ? "" : ",") + device.str();
  for (auto& [name, value] : report.options) {
    if (name == "num_threads") value = std::to_string(NumWorkers(common));
    if (name == "device") value = devices;
  }
}

// How the rows were made, as it stands beside them: what the weights specified is in it.
void AddProvenance(ColmapDatabase& database, ReportData& report) {
  for (const Image& image : database.Images()) {
    const auto found = database.ReadImageProvenance(image.image_id);
    if (!found) continue;
    report.options.emplace_back("features made by", found->text);
    break;
  }
  for (const auto& [id1, id2] : database.AllMatchedPairs()) {
    const auto found = database.ReadPairProvenance(id1, id2);
    if (!found) continue;
    report.options.emplace_back("matches made by", found->text);
    break;
  }
}

}  // namespace

ReconstructionResult Reconstruct(const ReconstructionOptions& o, const CommonOptions& common) {
  const std::string colmap = o.run_mapper ? RequireColmap().path : "";
  ReconstructionResult result;
  ReportData report;
  report.title = fs::path(o.features.image_path).lexically_normal().string();
  report.command_line = o.command_line;
  AddOptions(o, common, report);
  report.date = ReportDate();

  FeaturePipelineStats features;
  if (o.run_extraction) {
    const Stopwatch watch;
    features = ExtractCollection(o.features, common);
    result.skipped = features.skipped;
    report.stages.push_back({"features", watch.Seconds(),
                             std::to_string(features.extracted) + " photos, " +
                                 std::to_string(features.already_there) + " there already"});
  }
  MatchingPipelineStats matches;
  if (o.run_matching && !features.stopped) {
    const Stopwatch watch;
    matches = MatchPairs(o.matching, common, CollectionPairs(o.pairs, o.matching.block_size, common));
    report.stages.push_back({"matching and verification", watch.Seconds(),
                             std::to_string(matches.matched) + " pairs, " +
                                 std::to_string(matches.already_there) + " there already"});
  }
  result.stopped = features.stopped || matches.stopped ||
                   (o.run_matching && !MatchTurnedWhereDue(o, common, report, result));
  if (result.stopped || !o.run_mapper) return result;

  Stopwatch mapper_watch;
  const fs::path sparse = EmptySparseFolder(o.workspace_path);
  RunMapper(colmap, o, common, sparse);
  report.stages.push_back({"colmap mapper", mapper_watch.Seconds(), ""});
  result.stopped = StopRequested();
  if (result.stopped) return result;

  ColmapDatabase database(o.matching.database_path, DatabaseMode::kReadOnly);
  DatabaseView view;
  FillImagesAndPairs(database, view, report, result);
  AddProvenance(database, report);
  AddModels(sparse, o.truth_path, report, result);
  AddPictures(database, view, o, report);
  AddFailure(o, report, result);
  AddWeights("SuperPoint " + common.weights, features.weights, report);
  AddWeights("SuperGlue " + common.weights, matches.weights, report);
  for (const SkippedInput& input : result.skipped) report.skipped.push_back({input.name, input.reason});
  result.num_images = static_cast<int>(report.images.size() + report.skipped.size());
  result.num_pairs = static_cast<int>(report.pairs.size());
  WriteReport(report, o.workspace_path);
  return result;
}

}  // namespace colmatch
