// What a reconstruction reports; see reconstruction_report.h.
#include "plugin/reconstruction/reconstruction_report.h"

#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "database_io/colmap_database.h"
#include "evaluation/colmap_model.h"
#include "evaluation/model_comparison.h"
#include "matcher/devices.h"
#include "plugin/reconstruction/reconstruction_failure.h"
#include "plugin/reconstruction/report_pictures.h"
#include "plugin/report/model_picture.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

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

// Returns the images, in the order of the report's.
std::vector<Image> AddImagesAndPairs(ColmapDatabase& database, ReportData& report,
                                     ReconstructionResult& result) {
  std::map<image_t, int> index;
  std::map<camera_t, Camera> cameras;
  for (const Camera& camera : database.Cameras()) cameras[camera.camera_id] = camera;
  const std::vector<Image> images = database.Images();
  for (const Image& image : images) {
    index[image.image_id] = static_cast<int>(report.images.size());
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
    ReportPair pair{index[id1], index[id2], static_cast<int>(database.ReadMatches(id1, id2).size()),
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
  return images;
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

// What is shown of the largest model: as many points as a browser turns with ease, and the photos of as many
// cameras as make the page some megabytes larger.
constexpr size_t kMaxShownPoints = 200000;
constexpr size_t kMaxThumbnails = 400;
constexpr int kPictureWidth = 960, kPictureHeight = 600;

constexpr int kTerminalColumns = 76, kTerminalRows = 22;

void AddView(const ColmapModel& model, const std::string& image_path, ReportData& report,
             ReconstructionResult& result) {
  std::vector<std::string> names;
  for (const ReportImage& image : report.images) names.push_back(image.name);
  report.view = MakeModelView(model, names, kMaxShownPoints);
  AddThumbnails(*report.view, names, image_path, kMaxThumbnails);
  report.model_picture = DrawModel(*report.view, {kPictureWidth, kPictureHeight});
  result.terminal_picture = ModelForTerminal(*report.view, kTerminalColumns, kTerminalRows);
  report.viewer = FindViewerLibrary();
}

void AddModels(const ReconstructionOptions& o, const fs::path& sparse, ReportData& report,
               ReconstructionResult& result) {
  for (const fs::path& folder : FindColmapModels(sparse)) {
    const ColmapModel model = ReadColmapModel(folder);
    const std::string name = folder.filename().string();
    MarkRegistered(model, name, report.models.empty(), report);
    report.models.push_back({name, Summarize(model)});
    result.models.push_back(report.models.back().statistics);
    if (report.models.size() > 1) continue;
    result.num_registered = static_cast<int>(model.images.size());
    AddView(model, o.features.image_path, report, result);
    if (!o.truth_path.empty()) report.truth = CompareWithTruth(model, ReadTruth(o.truth_path));
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

fs::path MapperLog(const ReconstructionOptions& o) { return fs::path(o.workspace_path) / "mapper.log"; }

void AddWeights(const std::string& name, const UsedWeights& weights, ReportData& report) {
  if (weights.sha256.empty()) return;
  const auto licence = weights.metadata.find("licence");
  report.weights.push_back(
      {name, licence == weights.metadata.end() ? "not stated" : licence->second, weights.sha256});
}

void AddOptionsInForce(const ReconstructionOptions& o, const CommonOptions& common, ReportData& report) {
  report.options = o.options_in_force;
  std::string devices;
  for (const auto& device : DevicesFromName(common.device))
    devices += (devices.empty() ? "" : ",") + device.str();
  for (auto& [name, value] : report.options) {
    if (name == "num_threads") value = std::to_string(NumWorkers(common));
    if (name == "device") value = devices;
  }
}

void AddOutcome(const ReconstructionOptions& o, const fs::path& sparse, ReportData& report,
                ReconstructionResult& result) {
  ColmapDatabase database(o.matching.database_path, DatabaseMode::kReadOnly);
  const std::vector<Image> images = AddImagesAndPairs(database, report, result);
  AddProvenance(database, report);
  AddModels(o, sparse, report, result);
  AddMatchPictures(database, images, o.features.image_path, o.num_match_pictures, report);
  AddFailure(o, report, result);
}

}  // namespace colmatch
