// Escaping, embedded pictures and the two SVG drawings of the report; see report_html.h.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <opencv2/imgcodecs.hpp>

#include "plugin/report/report_html.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr size_t kMaxEdges = 3000;  // more would make the page slow and show nothing more
constexpr size_t kMaxNames = 80;    // around the graph there is no room for more
constexpr double kPi = 3.14159265358979323846;

// Verified pairs, weakest first, so that the strong ones are drawn on top.
std::vector<ReportPair> VerifiedPairs(const ReportData& data) {
  std::vector<ReportPair> pairs;
  for (const ReportPair& pair : data.pairs) {
    if (pair.num_inliers > 0) pairs.push_back(pair);
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const ReportPair& a, const ReportPair& b) { return a.num_inliers < b.num_inliers; });
  if (pairs.size() > kMaxEdges) pairs.erase(pairs.begin(), pairs.end() - kMaxEdges);
  return pairs;
}

// 0..1, by the square root: the weak pairs are those worth seeing.
double Strength(const ReportPair& pair, int strongest) {
  return std::sqrt(double(pair.num_inliers) / strongest);
}

std::string PairTitle(const ReportData& data, const ReportPair& pair) {
  return "<title>" + EscapeHtml(data.images[pair.i].name) + " - " + EscapeHtml(data.images[pair.j].name) +
         ": " + std::to_string(pair.num_inliers) + " inliers of " + std::to_string(pair.num_matches) +
         " matches" + (pair.config.empty() ? "" : ", " + EscapeHtml(pair.config)) + "</title>";
}

std::string Attribute(const char* name, double value) {
  return std::string(" ") + name + "=\"" + Fixed(value, 2) + "\"";
}

// The end of a name tells photos apart. Not cut within a character of UTF-8.
std::string Truncated(const std::string& name) {
  if (name.size() <= 18) return name;
  size_t begin = name.size() - 15;
  while (begin < name.size() && (static_cast<unsigned char>(name[begin]) & 0xC0) == 0x80) ++begin;
  return "..." + name.substr(begin);
}

}  // namespace

std::string EscapeHtml(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += (static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t') ? '?' : c;
    }
  }
  return safe;
}

std::string Base64(const unsigned char* bytes, size_t size) {
  static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((size + 2) / 3 * 4);
  for (size_t i = 0; i < size; i += 3) {
    const unsigned group =
        bytes[i] << 16 | (i + 1 < size ? bytes[i + 1] << 8 : 0) | (i + 2 < size ? bytes[i + 2] : 0);
    text += kDigits[group >> 18];
    text += kDigits[group >> 12 & 63];
    text += i + 1 < size ? kDigits[group >> 6 & 63] : '=';
    text += i + 2 < size ? kDigits[group & 63] : '=';
  }
  return text;
}

std::string EmbeddedJpeg(const cv::Mat& picture, const std::string& alt, int quality) {
  if (picture.empty()) throw UsageError("report: the picture \"" + alt + "\" is empty");
  std::vector<unsigned char> bytes;
  cv::imencode(".jpg", picture, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
  return "<img alt=\"" + EscapeHtml(alt) + "\" src=\"data:image/jpeg;base64," +
         Base64(bytes.data(), bytes.size()) + "\">";
}

std::string Fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  std::string fixed = text;
  std::replace(fixed.begin(), fixed.end(), ',', '.');
  return fixed;
}

std::string MatchGraphSvg(const ReportData& data) {
  const size_t n = data.images.size();
  const bool named = n <= kMaxNames;
  const double size = 560, middle = size / 2, radius = middle - (named ? 110 : 12);
  const auto angle = [&](size_t i) { return 2 * kPi * double(i) / double(n) - kPi / 2; };
  const auto x = [&](size_t i, double r) { return middle + r * std::cos(angle(i)); };
  const auto y = [&](size_t i, double r) { return middle + r * std::sin(angle(i)); };
  std::string svg = "<svg viewBox=\"0 0 560 560\" role=\"img\" aria-label=\"match graph\">\n";
  const std::vector<ReportPair> pairs = VerifiedPairs(data);
  for (const ReportPair& pair : pairs) {
    const double strength = Strength(pair, pairs.back().num_inliers);
    svg += "<line class=\"edge\"" + Attribute("x1", x(pair.i, radius)) + Attribute("y1", y(pair.i, radius)) +
           Attribute("x2", x(pair.j, radius)) + Attribute("y2", y(pair.j, radius)) +
           Attribute("stroke-width", 0.5 + (named ? 5 : 2) * strength) +
           Attribute("stroke-opacity", 0.12 + 0.7 * strength) + ">" + PairTitle(data, pair) + "</line>\n";
  }
  for (size_t i = 0; i < n; ++i) {
    const ReportImage& image = data.images[i];
    svg += std::string("<circle class=\"") + (image.registered ? "in" : "out") + "\"" +
           Attribute("cx", x(i, radius)) + Attribute("cy", y(i, radius)) + Attribute("r", named ? 6 : 3) +
           "><title>" + EscapeHtml(image.name) + "</title></circle>\n";
    if (!named) continue;
    const bool left = std::cos(angle(i)) < 0;
    const double degrees = angle(i) * 180 / kPi + (left ? 180 : 0);
    svg += "<text transform=\"translate(" + Fixed(x(i, radius + 12), 2) + " " + Fixed(y(i, radius + 12), 2) +
           ") rotate(" + Fixed(degrees, 2) + ")\" text-anchor=\"" + (left ? "end" : "start") +
           "\" dy=\"3\">" + EscapeHtml(Truncated(image.name)) + "</text>\n";
  }
  return svg + "</svg>\n";
}

std::string MatchMatrixSvg(const ReportData& data) {
  const double n = std::max<double>(1, double(data.images.size()));
  const std::string span = Fixed(n, 0);
  std::string svg =
      "<svg viewBox=\"0 0 " + span + " " + span +
      "\" shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"match matrix\">\n<rect class=\"blank\" "
      "width=\"" +
      span + "\" height=\"" + span + "\"/>\n";
  const std::vector<ReportPair> pairs = VerifiedPairs(data);
  for (const ReportPair& pair : pairs) {
    const std::string opacity =
        Attribute("fill-opacity", 0.1 + 0.9 * Strength(pair, pairs.back().num_inliers));
    for (const auto& [column, row] : {std::pair{pair.i, pair.j}, std::pair{pair.j, pair.i}}) {
      svg += "<rect class=\"cell\" x=\"" + std::to_string(column) + "\" y=\"" + std::to_string(row) +
             "\" width=\"1\" height=\"1\"" + opacity + ">" + PairTitle(data, pair) + "</rect>\n";
    }
  }
  return svg + "</svg>\n";
}

}  // namespace colmatch
