// The page of a reconstruction run, section by section; see report.h.
#include "plugin/report.h"

#include <algorithm>
#include <cstdio>

#include "network/atomic_file.h"
#include "network/error.h"
#include "plugin/report_html.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;

constexpr char kStyle[] = R"(
body{font:15px/1.5 system-ui,sans-serif;color:#1d2430;background:#f4f5f7;margin:0}
main{max-width:1120px;margin:0 auto;padding:24px}
h1{font-size:24px;margin:0}h2{font-size:18px;margin:32px 0 8px}
.sub{color:#5b6574;margin:4px 0 20px;overflow-wrap:anywhere}
.cards{display:flex;flex-wrap:wrap;gap:12px}
.card{background:#fff;border:1px solid #dfe3e8;border-radius:8px;padding:12px 18px;min-width:110px}
.card b{display:block;font-size:26px;line-height:1.2}.card span{color:#5b6574;font-size:13px}
.card.good b{color:#157347}.card.bad b{color:#b42318}
.box{background:#fff;border:1px solid #dfe3e8;border-radius:8px;padding:12px 18px}
.box.bad{border-left:5px solid #b42318}
table{border-collapse:collapse;background:#fff;border:1px solid #dfe3e8;width:100%}
th,td{padding:5px 10px;text-align:left;border-bottom:1px solid #eceff3;overflow-wrap:anywhere}
th{background:#f0f2f5;font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
tr.bad td{background:#fdf1f0}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(340px,1fr));gap:16px}
figure{margin:0 0 16px;background:#fff;border:1px solid #dfe3e8;border-radius:8px;padding:10px}
figure img{width:100%;display:block}figcaption{color:#5b6574;font-size:13px;padding:6px 2px 0}
svg{width:100%;display:block}svg text{font:10px sans-serif;fill:#3b4452}
.edge{stroke:#2257a8}.in{fill:#157347}.out{fill:#b42318}.cell{fill:#2257a8}.blank{fill:#eceff3}
code{background:#eceff3;padding:1px 4px;border-radius:3px}
)";

std::string Card(const std::string& number, const std::string& label, const char* mood = "") {
  return std::string("<div class=\"card ") + mood + "\"><b>" + EscapeHtml(number) + "</b><span>" +
         EscapeHtml(label) + "</span></div>\n";
}

std::string Cell(const std::string& text) { return "<td>" + EscapeHtml(text) + "</td>"; }
std::string NumberCell(const std::string& text) { return "<td class=\"n\">" + EscapeHtml(text) + "</td>"; }
std::string NumberCell(int number) { return NumberCell(std::to_string(number)); }

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
  if (data.advice.empty()) return html;
  html += "<h2>Advice</h2>\n<div class=\"box\"><ul>\n";
  for (const std::string& advice : data.advice) html += "<li>" + EscapeHtml(advice) + "</li>\n";
  return html + "</ul></div>\n";
}

std::string SkippedSection(const ReportData& data) {
  if (data.skipped.empty()) return "";
  std::string html = "<h2>Skipped inputs</h2>\n<table><tr><th>input</th><th>reason</th></tr>\n";
  for (const ReportSkipped& skipped : data.skipped) {
    html += "<tr class=\"bad\">" + Cell(skipped.name) + Cell(skipped.reason) + "</tr>\n";
  }
  return html + "</table>\n";
}

std::string StagesSection(const ReportData& data) {
  std::string html = "<h2>Stages</h2>\n<table><tr><th>stage</th><th class=\"n\">seconds</th><th></th></tr>\n";
  for (const ReportStage& stage : data.stages) {
    html += "<tr>" + Cell(stage.name) + NumberCell(Fixed(stage.seconds, 1)) + Cell(stage.detail) + "</tr>\n";
  }
  html += "</table>\n";
  if (data.weights.empty()) return html;
  html += "<h2>Weights</h2>\n<table><tr><th>name</th><th>licence</th><th>hash</th></tr>\n";
  for (const ReportWeights& weights : data.weights) {
    html += "<tr>" + Cell(weights.name) + Cell(weights.licence) + Cell(weights.hash) + "</tr>\n";
  }
  return html + "</table>\n";
}

std::string ModelsSection(const ReportData& data) {
  if (data.models.empty()) return "";
  std::string html =
      "<h2>Models</h2>\n<table><tr><th>model</th><th class=\"n\">images</th><th class=\"n\">points</th>"
      "<th class=\"n\">observations</th><th class=\"n\">track length</th>"
      "<th class=\"n\">reprojection error, px</th></tr>\n";
  for (const ReportSubModel& model : data.models) {
    const ModelStatistics& s = model.statistics;
    html += "<tr>" + Cell(model.name) + NumberCell(std::to_string(s.num_registered)) +
            NumberCell(std::to_string(s.num_points)) + NumberCell(std::to_string(s.num_observations)) +
            NumberCell(Fixed(s.mean_track_length, 2)) + NumberCell(Fixed(s.mean_reprojection_error_px, 3)) +
            "</tr>\n";
  }
  return html + "</table>\n";
}

std::string TruthSection(const ReportData& data) {
  if (!data.truth) return "";
  const ModelComparison& truth = *data.truth;
  std::string html = "<h2>Compared with the true cameras</h2>\n";
  if (!truth.aligned) return html + "<div class=\"box bad\">" + EscapeHtml(truth.reason) + "</div>\n";
  html +=
      "<table><tr><th>image</th><th class=\"n\">rotation error, degrees</th>"
      "<th class=\"n\">position error</th><th class=\"n\">% of the extent</th></tr>\n";
  for (const PoseError& error : truth.images) {
    html += "<tr>" + Cell(error.name) + NumberCell(Fixed(error.rotation_deg, 4)) +
            NumberCell(Fixed(error.position, 4)) + NumberCell(Fixed(100 * error.position_share, 4)) +
            "</tr>\n";
  }
  for (const std::string& name : truth.missing) {
    html += "<tr class=\"bad\">" + Cell(name) + "<td colspan=\"3\">not registered</td></tr>\n";
  }
  return html + "</table>\n";
}

std::string GraphSection(const ReportData& data) {
  if (data.images.empty()) return "";
  return "<h2>Matches</h2>\n<div class=\"two\"><figure>" + MatchGraphSvg(data) +
         "<figcaption>Match graph: a line for each verified pair, the thicker the more inliers; green images "
         "are "
         "registered, red ones are not.</figcaption></figure>\n<figure>" +
         MatchMatrixSvg(data) +
         "<figcaption>Match matrix: images by images in the order of the run, the darker the more "
         "inliers."
         "</figcaption></figure></div>\n";
}

std::string ImagesSection(const ReportData& data) {
  std::vector<ReportImage> images = data.images;
  std::stable_sort(images.begin(), images.end(), [](const ReportImage& a, const ReportImage& b) {
    return a.registered != b.registered ? !a.registered : a.num_verified_matches < b.num_verified_matches;
  });
  std::string html =
      "<h2>Images, the worst first</h2>\n<table><tr><th>image</th><th class=\"n\">size</th>"
      "<th class=\"n\">keypoints</th><th class=\"n\">verified pairs</th>"
      "<th class=\"n\">verified matches</th><th>registered</th></tr>\n";
  for (const ReportImage& image : images) {
    const std::string state = image.registered ? "yes" : image.error.empty() ? "no" : "no: " + image.error;
    html += std::string("<tr") + (image.registered ? ">" : " class=\"bad\">") + Cell(image.name) +
            NumberCell(std::to_string(image.width) + " x " + std::to_string(image.height)) +
            NumberCell(image.num_keypoints) + NumberCell(image.num_verified_pairs) +
            NumberCell(image.num_verified_matches) + Cell(state) + "</tr>\n";
  }
  return html + "</table>\n";
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
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width\"><title>" +
         EscapeHtml(data.title) + "</title>\n<style>" + kStyle + "</style></head>\n<body><main>\n<h1>" +
         EscapeHtml(data.title) + "</h1>\n<p class=\"sub\">" + EscapeHtml(data.date) + "<br><code>" +
         EscapeHtml(data.command_line) + "</code></p>\n" + Headline(data) + FailureSection(data) +
         SkippedSection(data) + StagesSection(data) + ModelsSection(data) + TruthSection(data) +
         GraphSection(data) + PicturesSection(data) + ImagesSection(data) + "</main></body></html>\n";
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
  for (const auto& s : data.skipped) json["skipped"].push_back({{"name", s.name}, {"reason", s.reason}});
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
  WriteFileAtomically(folder / "report.html", html);
  WriteFileAtomically(folder / "report.json", json);
}

}  // namespace colmatch
