// The page over all collections; see batch_report.h.
#include "plugin/reconstruction/batch_report.h"

#include <algorithm>
#include <fstream>

#include "plugin/report/report_html.h"
#include "util/atomic_file.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Totals {
  int images = 0, registered = 0, failed = 0, finished = 0, skipped = 0;
  double seconds = 0;
};

bool IsFinished(const CollectionRecord& record) {
  return record.state == CollectionState::kDone || record.state == CollectionState::kFailed;
}

Totals Sum(const BatchSummary& summary) {
  Totals totals;
  for (const BatchEntry& entry : summary.entries) {
    const CollectionRecord& r = entry.record;
    totals.images += r.num_images;
    totals.registered += r.num_registered;
    totals.failed += HasFailed(r);
    totals.finished += IsFinished(r);
    totals.skipped += static_cast<int>(r.skipped.size());
    totals.seconds += r.seconds;
  }
  return totals;
}

std::string StateText(const CollectionRecord& r) {
  if (r.state == CollectionState::kPending) return "not yet begun";
  if (r.state == CollectionState::kStarted) return "begun, not finished";
  // The whole reason stands below, with graph and advice.
  std::string text = r.reason.substr(0, r.reason.find(": "));
  if (!r.skipped.empty()) {
    text += (text.empty() ? "" : "; ") + std::to_string(r.skipped.size()) +
            (r.skipped.size() == 1 ? " input skipped: " : " inputs skipped, first: ") + r.skipped[0].name;
  }
  return text;
}

std::string Row(const BatchEntry& entry) {
  const CollectionRecord& r = entry.record;
  std::string html = HasFailed(r) ? "<tr class=\"bad\">" : "<tr>";
  html += "<td>" +
          (r.state == CollectionState::kDone ? RelativeLink({entry.name, "report.html"}, entry.name)
                                             : EscapeHtml(entry.name)) +
          "</td>";
  if (!IsFinished(r)) return html + "<td colspan=\"6\"></td>" + Cell(StateText(r)) + "</tr>\n";
  html += NumberCell(std::to_string(r.num_registered) + " of " + std::to_string(r.num_images)) +
          NumberCell(r.num_models) + NumberCell(static_cast<int64_t>(r.num_points)) +
          NumberCell(r.num_models > 0 ? Fixed(r.reprojection_error_px, 3) : "") +
          NumberCell(std::to_string(r.num_verified_pairs) + " of " + std::to_string(r.num_pairs)) +
          NumberCell(Fixed(r.seconds, 1));
  return html + Cell(StateText(r)) + "</tr>\n";
}

std::string FailureBox(const BatchEntry& entry) {
  const CollectionRecord& r = entry.record;
  std::string html =
      "<h3>" + EscapeHtml(entry.name) + "</h3>\n<div class=\"box bad\">" + EscapeHtml(r.reason) + "</div>\n";
  if (entry.graph.images.empty() && r.advice.empty()) return html;
  html += "<div class=\"two\" style=\"margin-top:12px\">";
  if (!r.advice.empty()) html += AdviceList(r.advice);
  if (!entry.graph.images.empty()) {
    html += "<figure>" + MatchGraphSvg(entry.graph) +
            "<figcaption>Match graph: a line for each verified pair, the thicker the more "
            "inliers.</figcaption></figure>";
  }
  return html + "</div>\n";
}

Json EntryJson(const BatchEntry& entry) {
  const CollectionRecord& r = entry.record;
  Json json = {{"name", entry.name},
               {"state", NameOf(r.state)},
               {"failed", HasFailed(r)},
               {"num_images", r.num_images},
               {"num_registered", r.num_registered},
               {"num_models", r.num_models},
               {"num_points", r.num_points},
               {"reprojection_error_px", r.reprojection_error_px},
               {"num_pairs", r.num_pairs},
               {"num_verified_pairs", r.num_verified_pairs},
               {"seconds", r.seconds},
               {"reason", r.reason},
               {"advice", r.advice},
               {"skipped", Json::array()}};
  for (const ReportSkipped& s : r.skipped)
    json["skipped"].push_back({{"name", s.name}, {"reason", s.reason}});
  return json;
}

}  // namespace

bool HasFailed(const CollectionRecord& r) {
  return r.state == CollectionState::kFailed || (r.state == CollectionState::kDone && r.num_models == 0);
}

ReportData ReadGraph(const fs::path& folder) {
  std::ifstream file(folder / "report.json", std::ios::binary);
  ReportData data;
  try {
    const Json json = Json::parse(file);
    for (const Json& i : json.at("images")) {
      ReportImage image;
      i.at("name").get_to(image.name);
      i.at("registered").get_to(image.registered);
      data.images.push_back(std::move(image));
    }
    const int n = static_cast<int>(data.images.size());
    for (const Json& p : json.at("pairs")) {
      const ReportPair pair{p.at("i"), p.at("j"), p.at("num_matches"), p.at("num_inliers"), p.at("config")};
      if (pair.i < 0 || pair.j < 0 || pair.i >= n || pair.j >= n) return {};
      data.pairs.push_back(pair);
    }
  } catch (const Json::exception&) {
    return {};
  }
  return data;
}

std::string BatchHtml(const BatchSummary& summary) {
  const Totals t = Sum(summary);
  const size_t n = summary.entries.size();
  const bool good = t.failed == 0 && t.finished == static_cast<int>(n);
  std::string body =
      "<div class=\"cards\">\n" +
      Card(std::to_string(t.finished - t.failed) + " of " + std::to_string(n), "collections reconstructed",
           good ? "good" : "bad") +
      Card(std::to_string(t.registered) + " of " + std::to_string(t.images), "images registered") +
      Card(Fixed(t.seconds, 1) + " s", "in all") + "</div>\n<h2>Collections</h2>\n";
  std::string rows, failures;
  for (const BatchEntry& entry : summary.entries) {
    rows += Row(entry);
    if (HasFailed(entry.record)) failures += FailureBox(entry);
  }
  body += Table(
      "<th>collection</th><th class=\"n\">images registered</th><th class=\"n\">models</th>"
      "<th class=\"n\">points</th><th class=\"n\">reprojection error, px</th>"
      "<th class=\"n\">pairs verified</th><th class=\"n\">seconds</th><th>remarks</th>",
      rows);
  if (!failures.empty()) body += "<h2>Without a model</h2>\n" + failures;
  return HtmlPage(summary.title, summary.date, summary.command_line, body);
}

Json BatchJson(const BatchSummary& summary) {
  const Totals t = Sum(summary);
  Json json = {{"title", summary.title},      {"command_line", summary.command_line},
               {"date", summary.date},        {"num_collections", summary.entries.size()},
               {"num_finished", t.finished},  {"num_failed", t.failed},
               {"num_images", t.images},      {"num_registered", t.registered},
               {"num_skipped", t.skipped},    {"total_seconds", t.seconds},
               {"collections", Json::array()}};
  for (const BatchEntry& entry : summary.entries) json["collections"].push_back(EntryJson(entry));
  return json;
}

void WriteBatchSummary(const BatchSummary& summary, const fs::path& folder) {
  MakeFolder(folder);
  WriteFileAtomically(folder / "index.html", BatchHtml(summary));
  WriteFileAtomically(folder / "summary.json",
                      BatchJson(summary).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace colmatch
