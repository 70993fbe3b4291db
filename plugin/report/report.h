// The report of a reconstruction run: one self-contained HTML page for people, the same data as JSON for
// programs.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/model_comparison.h"
#include "plugin/report/model_view.h"
#include "plugin/report/viewer_library.h"

namespace colmatch {

struct ReportStage {
  std::string name;
  double seconds = 0;
  std::string detail;  // e.g. "12 images, 24 576 keypoints"; may be empty
};

struct ReportWeights {
  std::string name, licence, hash;
};

struct ReportImage {
  std::string name;
  int width = 0, height = 0;  // pixels
  int num_keypoints = 0;
  int num_verified_pairs = 0;
  int num_verified_matches = 0;  // inliers, summed over its verified pairs
  bool registered = false;
  std::string error;  // why it was not used; empty if it was
};

struct ReportPair {
  int i = 0, j = 0;  // indices into ReportData::images
  int num_matches = 0;
  int num_inliers = 0;
  std::string config;  // COLMAP's two-view configuration, e.g. "CALIBRATED"
};

// A verified pair that contradicts the others (plugin/pairs/pair_consistency.h).
struct ReportContradiction {
  int i = 0, j = 0;  // indices into ReportData::images
  int num_inliers = 0;
  double off_deg = 0;     // how far its rotation is off
  bool left_out = false;  // of what the mapper was given
};

struct ReportPicture {
  std::string caption;
  cv::Mat picture;  // CV_8UC3 BGR or CV_8UC1
};

struct ReportSkipped {
  std::string name, reason;
};

struct ReportSubModel {
  std::string name;
  ModelStatistics statistics;
};

struct ReportData {
  std::string title, command_line, date;
  std::vector<std::pair<std::string, std::string>> options;  // in force, name and value
  std::vector<ReportStage> stages;
  std::vector<ReportWeights> weights;
  std::vector<ReportImage> images;  // those that were read; what could not be read is in `skipped` only
  std::vector<ReportPair> pairs;
  std::vector<ReportContradiction> contradictions;
  std::vector<ReportPicture> pictures;
  std::vector<ReportSubModel> models;  // largest first; empty: nothing was reconstructed
  std::optional<ModelView> view;       // of the largest model
  ViewerLibrary viewer;                // draws it; without, the page shows the still picture and says why
  cv::Mat model_picture;               // CV_8UC3 BGR, of the same; empty: none
  std::optional<ModelComparison> truth;
  std::vector<ReportSkipped> skipped;
  std::string failure;              // why nothing was reconstructed, if so
  std::vector<std::string> advice;  // sentences
};

// The whole page. Nothing is loaded from outside: pictures are embedded, and so is the script of the
// interactive model where there is one. Every text is escaped. Throws UsageError if a pair points outside of
// the images.
std::string ReportHtml(const ReportData& data);

inline constexpr char kModelPictureFile[] = "model.png";

// The same without the pictures; "model_picture" names the file of the model's.
nlohmann::ordered_json ReportJson(const ReportData& data);

// Writes folder/report.html, folder/report.json and, where there is a model, folder/model.png, each
// atomically. Throws UsageError as above, EnvironmentError if a file cannot be written.
void WriteReport(const ReportData& data, const std::filesystem::path& folder);

}  // namespace colmatch
