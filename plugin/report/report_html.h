// Small pieces of HTML for the reports: the page's frame, escaping, tables, embedded pictures, the match
// graph and the match matrix as SVG. Every text given here is escaped, unless it is called html or body.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "plugin/report/report.h"

namespace colmatch {

// & < > " ' and control characters: safe in text and in quoted attributes.
std::string EscapeHtml(const std::string& text);

std::string Base64(const unsigned char* bytes, size_t size);

// <img> with the picture inside as a JPEG of the given quality.
std::string EmbeddedJpeg(const cv::Mat& picture, const std::string& alt, int quality = 85);

// A number with a fixed count of decimals, '.' as point whatever the locale.
std::string Fixed(double value, int decimals);

// report_page.cc: the whole document. Nothing is loaded from outside; it has no script of its own.
std::string HtmlPage(const std::string& title, const std::string& date, const std::string& command_line,
                     const std::string& body);

std::string ReportDate();  // now, local time

// A headline number; rating: "", "good", "bad".
std::string Card(const std::string& number, const std::string& label, const char* rating = "");
std::string Cell(const std::string& text);
std::string NumberCell(const std::string& text);
std::string NumberCell(int64_t number);

// head: <th> cells, rows: <tr>s, both HTML. Wide tables scroll by themselves.
std::string Table(const std::string& head, const std::string& rows);

inline constexpr size_t kRowsInSight = 40;  // of a table; the others wait behind a line that opens them

// A long table behind a line that opens it; a short one as it is.
std::string Folded(const std::string& html, size_t num_rows, const std::string& what);

std::string AdviceList(const std::vector<std::string>& advice);

// A link to a file below the page's own folder, given by its path's parts (any bytes).
std::string RelativeLink(const std::vector<std::string>& path, const std::string& text);

// Images on a circle, an edge per verified pair: the more inliers the thicker and darker. The strongest edges
// only where there are very many.
std::string MatchGraphSvg(const ReportData& data);

// A square per pair of images, the darker the more inliers.
std::string MatchMatrixSvg(const ReportData& data);

}  // namespace colmatch
