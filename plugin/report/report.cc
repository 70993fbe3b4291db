// The page of a reconstruction run, section by section; see report.h.
#include "plugin/report/report.h"

#include <algorithm>
#include <cstdio>
#include <opencv2/imgcodecs.hpp>

#include "plugin/report/report_html.h"
#include "plugin/report/report_model.h"
#include "util/atomic_file.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

size_t NumRegistered(const ReportData& data) {
  return size_t(std::count_if(data.images.begin(), data.images.end(),
                              [](const auto& image) { return image.registered; }));
}

size_t NumVerified(const ReportData& data) {
  return size_t(std::count_if(data.pairs.begin(), data.pairs.end(),
                              [](const auto& pair) { return pair.num_inliers > 0; }));
}

double TotalSeconds(const ReportData& data) {
  double seconds = 0;
  for (const ReportStage& stage : data.stages) seconds += stage.seconds;
  return seconds;
}

std::string Headline(const ReportData& data) {
  const size_t registered = NumRegistered(data), total = data.images.size() + data.skipped.size();
  std::string html = "<div class=\"cards\">\n" +
                     Card(std::to_string(registered) + " of " + std::to_string(total), "images registered",
                          registered == total && total > 0 ? "good" : "bad");
  if (!data.models.empty()) {
    const ModelStatistics& statistics = data.models[0].statistics;
    html += Card(std::to_string(statistics.num_points), "3D points") +
            Card(Fixed(statistics.mean_track_length, 2), "mean track length") +
            Card(Fixed(statistics.mean_reprojection_error_px, 3) + " px", "mean reprojection error");
  }
  if (data.models.size() > 1) html += Card(std::to_string(data.models.size()), "models, not joined", "bad");
  if (data.truth && data.truth->aligned) {
    html += Card(Fixed(data.truth->median_rotation_deg, 3) + "\xC2\xB0", "median rotation error") +
            Card(Fixed(100 * data.truth->median_position_share, 3) + " %",
                 "median position error, of the extent");
  }
  html +=
      Card(std::to_string(NumVerified(data)) + " of " + std::to_string(data.pairs.size()), "pairs verified");
  html += Card(Fixed(TotalSeconds(data), 1) + " s", "in all");
  return html + "</div>\n";
}

std::string FailureSection(const ReportData& data) {
  std::string html;
  if (data.models.empty()) {
    html += "<h2>Nothing was reconstructed</h2>\n<div class=\"box bad\">" +
            EscapeHtml(data.failure.empty() ? "The mapper was not run or gave no model." : data.failure) +
            "</div>\n";
  }
  return data.advice.empty() ? html : html + "<h2>Advice</h2>\n" + AdviceList(data.advice);
}

std::string SkippedSection(const ReportData& data) {
  if (data.skipped.empty()) return "";
  std::string rows;
  for (const ReportSkipped& skipped : data.skipped) {
    rows += "<tr class=\"bad\">" + Cell(skipped.name) + Cell(skipped.reason) + "</tr>\n";
  }
  return "<h2>Skipped inputs</h2>\n" +
         Folded(Table("<th>input</th><th>reason</th>", rows), data.skipped.size(), "inputs");
}

std::string StagesSection(const ReportData& data) {
  std::string stages, weights;
  for (const ReportStage& stage : data.stages) {
    stages +=
        "<tr>" + Cell(stage.name) + NumberCell(Fixed(stage.seconds, 1)) + Cell(stage.detail) + "</tr>\n";
  }
  std::string html =
      "<h2>Stages</h2>\n" + Table("<th>stage</th><th class=\"n\">seconds</th><th>what was done</th>", stages);
  if (data.weights.empty()) return html;
  for (const ReportWeights& w : data.weights) {
    weights += "<tr>" + Cell(w.name) + Cell(w.licence) + Cell(w.hash) + "</tr>\n";
  }
  return html + "<h2>Weights</h2>\n" + Table("<th>name</th><th>licence</th><th>SHA-256</th>", weights);
}

std::string ModelsSection(const ReportData& data) {
  if (data.models.empty()) return "";
  std::string rows;
  for (const ReportSubModel& model : data.models) {
    const ModelStatistics& m = model.statistics;
    rows += "<tr>" + Cell(model.name) + NumberCell(std::to_string(m.num_registered)) +
            NumberCell(std::to_string(m.num_points)) + NumberCell(std::to_string(m.num_observations)) +
            NumberCell(Fixed(m.mean_track_length, 2)) + NumberCell(Fixed(m.mean_reprojection_error_px, 3)) +
            "</tr>\n";
  }
  return "<h2>Models</h2>\n" + Table(
                                   "<th>model</th><th class=\"n\">images</th><th class=\"n\">points</th>"
                                   "<th class=\"n\">observations</th><th class=\"n\">track length</th>"
                                   "<th class=\"n\">reprojection error, px</th>",
                                   rows);
}

std::string TruthSection(const ReportData& data) {
  if (!data.truth) return "";
  const ModelComparison& truth = *data.truth;
  std::string html = "<h2>Compared with the true cameras</h2>\n";
  if (!truth.aligned) return html + "<div class=\"box bad\">" + EscapeHtml(truth.reason) + "</div>\n";
  std::string rows;
  for (const PoseError& error : truth.images) {
    rows += "<tr>" + Cell(error.name) + NumberCell(Fixed(error.rotation_deg, 4)) +
            NumberCell(Fixed(error.position, 4)) + NumberCell(Fixed(100 * error.position_share, 4)) +
            "</tr>\n";
  }
  for (const std::string& name : truth.missing) {
    rows += "<tr class=\"bad\">" + Cell(name) + "<td colspan=\"3\">not registered</td></tr>\n";
  }
  return html + Folded(Table("<th>image</th><th class=\"n\">rotation error, degrees</th>"
                             "<th class=\"n\">position error</th><th class=\"n\">% of the extent</th>",
                             rows),
                       truth.images.size() + truth.missing.size(), "images, the worst first");
}

std::string GraphSection(const ReportData& data) {
  if (data.images.empty()) return "";
  return "<h2>Matches</h2>\n<div class=\"two\"><figure>" + MatchGraphSvg(data) +
         "<figcaption>Match graph: a line for each verified pair, the thicker the more inliers; filled "
         "blue images are registered, orange rings are not.</figcaption></figure>\n<figure>" +
         MatchMatrixSvg(data) +
         "<figcaption>Match matrix: images by images in the order of the run, the stronger the colour the "
         "more inliers."
         "</figcaption></figure></div>\n";
}

std::string ContradictionsSection(const ReportData& data) {
  if (data.contradictions.empty()) return "";
  const bool left_out = data.contradictions.front().left_out;
  std::string rows;
  for (const ReportContradiction& pair : data.contradictions) {
    rows += "<tr>" + Cell(data.images[size_t(pair.i)].name) + Cell(data.images[size_t(pair.j)].name) +
            NumberCell(pair.num_inliers) + NumberCell(Fixed(pair.off_deg, 0)) + "</tr>\n";
  }
  return "<h2>Pairs that contradict the others</h2>\n<p class=\"sub\">Their cameras cannot be turned so if "
         "the other "
         "pairs are right, as where a building has alike sides. The mapper " +
         std::string(left_out ? "was not given them."
                              : "was given them all the same (--contradicting_pairs drop: not).") +
         "</p>\n" +
         Folded(Table("<th>image</th><th>image</th><th class=\"n\">inliers</th><th class=\"n\">off by, "
                      "degrees</th>",
                      rows),
                data.contradictions.size(), "pairs");
}

std::string ImageRow(const ReportImage& image) {
  const std::string state = image.registered ? "yes" : image.error.empty() ? "no" : "no: " + image.error;
  return std::string("<tr") + (image.registered ? ">" : " class=\"bad\">") + Cell(image.name) +
         NumberCell(std::to_string(image.width) + " x " + std::to_string(image.height)) +
         NumberCell(image.num_keypoints) + NumberCell(image.num_verified_pairs) +
         NumberCell(image.num_verified_matches) + Cell(state) + "</tr>\n";
}

std::string ImagesSection(const ReportData& data) {
  std::vector<ReportImage> images = data.images;
  std::stable_sort(images.begin(), images.end(), [](const ReportImage& a, const ReportImage& b) {
    return a.registered != b.registered ? !a.registered : a.num_verified_matches < b.num_verified_matches;
  });
  const std::string head =
      "<th>image</th><th class=\"n\">size</th><th class=\"n\">keypoints</th>"
      "<th class=\"n\">verified pairs</th><th class=\"n\">verified matches</th><th>registered</th>";
  std::string rows, others;
  for (size_t i = 0; i < images.size(); ++i) (i < kRowsInSight ? rows : others) += ImageRow(images[i]);
  std::string html = "<h2>Images, the worst first</h2>\n" + Table(head, rows);
  if (!others.empty()) {
    html += "<details><summary>the other " + std::to_string(images.size() - kRowsInSight) + "</summary>\n" +
            Table(head, others) + "</details>\n";
  }
  return html;
}

std::string PicturesSection(const ReportData& data) {
  if (data.pictures.empty()) return "";
  std::string html = "<h2>Pictures</h2>\n";
  for (const ReportPicture& picture : data.pictures) {
    html += "<figure>" + EmbeddedJpeg(picture.picture, picture.caption) + "<figcaption>" +
            EscapeHtml(picture.caption) + "</figcaption></figure>\n";
  }
  return html;
}

std::string OptionsSection(const ReportData& data) {
  if (data.options.empty()) return "";
  std::string rows;
  for (const auto& [name, value] : data.options) rows += "<tr>" + Cell(name) + Cell(value) + "</tr>\n";
  return "<h2>Options</h2>\n<details><summary>every option with the value in force</summary>\n" +
         Table("<th>option</th><th>value</th>", rows) + "</details>\n";
}

void CheckPairs(const ReportData& data) {
  const int n = int(data.images.size());
  for (const ReportPair& pair : data.pairs) {
    if (pair.i < 0 || pair.j < 0 || pair.i >= n || pair.j >= n) {
      throw UsageError("report: pair (" + std::to_string(pair.i) + ", " + std::to_string(pair.j) +
                       ") is outside of " + std::to_string(n) + " images");
    }
  }
}

}  // namespace

std::string ReportHtml(const ReportData& data) {
  CheckPairs(data);
  return HtmlPage(data.title, data.date, data.command_line,
                  Headline(data) + FailureSection(data) + ModelViewSection(data) + SkippedSection(data) +
                      StagesSection(data) + ModelsSection(data) + TruthSection(data) + GraphSection(data) +
                      ContradictionsSection(data) + PicturesSection(data) + ImagesSection(data) +
                      OptionsSection(data));
}

nlohmann::ordered_json ReportJson(const ReportData& data) {
  using Json = nlohmann::ordered_json;
  CheckPairs(data);
  Json json = {{"title", data.title},
               {"command_line", data.command_line},
               {"date", data.date},
               {"num_images", data.images.size() + data.skipped.size()},
               {"num_registered", NumRegistered(data)},
               {"num_pairs", data.pairs.size()},
               {"num_verified_pairs", NumVerified(data)},
               {"total_seconds", TotalSeconds(data)}};
  for (const char* list : {"stages", "weights", "models", "images", "pairs", "skipped"})
    json[list] = Json::array();
  json["options"] = Json::object();
  for (const auto& [name, value] : data.options) json["options"][name] = value;
  for (const auto& s : data.stages) {
    json["stages"].push_back({{"name", s.name}, {"seconds", s.seconds}, {"detail", s.detail}});
  }
  for (const auto& w : data.weights) {
    json["weights"].push_back({{"name", w.name}, {"licence", w.licence}, {"hash", w.hash}});
  }
  for (const auto& m : data.models)
    json["models"].push_back({{"name", m.name}, {"statistics", ToJson(m.statistics)}});
  if (data.truth) json["truth"] = ToJson(*data.truth);
  for (const auto& i : data.images) {
    json["images"].push_back({{"name", i.name},
                              {"width", i.width},
                              {"height", i.height},
                              {"num_keypoints", i.num_keypoints},
                              {"num_verified_pairs", i.num_verified_pairs},
                              {"num_verified_matches", i.num_verified_matches},
                              {"registered", i.registered},
                              {"error", i.error}});
  }
  for (const auto& p : data.pairs) {
    json["pairs"].push_back({{"i", p.i},
                             {"j", p.j},
                             {"num_matches", p.num_matches},
                             {"num_inliers", p.num_inliers},
                             {"config", p.config}});
  }
  json["contradictions"] = Json::array();
  for (const auto& c : data.contradictions) {
    json["contradictions"].push_back({{"i", c.i},
                                      {"j", c.j},
                                      {"num_inliers", c.num_inliers},
                                      {"off_deg", c.off_deg},
                                      {"left_out", c.left_out}});
  }
  for (const auto& s : data.skipped) json["skipped"].push_back({{"name", s.name}, {"reason", s.reason}});
  json["model_picture"] = data.model_picture.empty() ? Json() : Json(kModelPictureFile);
  json["failure"] = data.failure;
  json["advice"] = data.advice;
  return json;
}

void WriteReport(const ReportData& data, const fs::path& folder) {
  const std::string html = ReportHtml(data);
  // File names need not be UTF-8; what is not is replaced rather than refused.
  const std::string json =
      ReportJson(data).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  MakeFolder(folder);
  if (!data.model_picture.empty()) {
    std::vector<unsigned char> png;
    cv::imencode(".png", data.model_picture, png);
    WriteFileAtomically(folder / kModelPictureFile, std::string(png.begin(), png.end()));
  }
  WriteFileAtomically(folder / "report.html", html);
  WriteFileAtomically(folder / "report.json", json);
}

}  // namespace colmatch
