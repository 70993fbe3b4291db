// The frame of every page, its style, and the small pieces all pages use; see report_html.h.
#include <cctype>
#include <ctime>

#include "plugin/report/report_html.h"

namespace colmatch {
namespace {

// Colours by meaning, so that the dark page is the same page. Blue and orange, which every kind of colour
// vision tells apart; words or shapes say the same. Pictures stay as they are.
constexpr char kStyle[] = R"(
:root{color-scheme:light dark;--text:#1d2430;--soft:#5b6574;--page:#f4f5f7;--box:#fff;--line:#dfe3e8;
--head:#f0f2f5;--good:#005f9e;--bad:#b34a00;--badrow:#fdf3ea;--mark:#2257a8;--blank:#eceff3}
@media (prefers-color-scheme:dark){:root{--text:#dfe4ec;--soft:#9aa5b5;--page:#14181f;--box:#1d232c;--line:#333c49;
--head:#262e39;--good:#56b4e9;--bad:#ffa658;--badrow:#3a2a1c;--mark:#79b0ff;--blank:#262e39}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page);margin:0}
main{max-width:1120px;margin:0 auto;padding:24px}
h1{font-size:24px;margin:0;overflow-wrap:anywhere}h2{font-size:18px;margin:32px 0 8px}
h3{font-size:15px;margin:20px 0 6px;overflow-wrap:anywhere}
a{color:var(--mark)}
.sub{color:var(--soft);margin:4px 0 20px;overflow-wrap:anywhere}
.cards{display:flex;flex-wrap:wrap;gap:12px}
.card{background:var(--box);border:1px solid var(--line);border-radius:8px;padding:12px 18px;min-width:110px}
.card b{display:block;font-size:26px;line-height:1.2}.card span{color:var(--soft);font-size:13px}
.card.good b{color:var(--good)}.card.bad b{color:var(--bad)}
.box{background:var(--box);border:1px solid var(--line);border-radius:8px;padding:12px 18px;overflow-wrap:anywhere}
.box.bad{border-left:5px solid var(--bad)}.box ul{margin:0;padding-left:20px}
.wide{overflow-x:auto}
table{border-collapse:collapse;background:var(--box);border:1px solid var(--line);width:100%}
th,td{padding:5px 10px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
td{overflow-wrap:anywhere;min-width:70px}td:first-child{min-width:150px}
th{background:var(--head);font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.n{white-space:nowrap}
tr.bad td{background:var(--badrow)}
summary{cursor:pointer;color:var(--soft);padding:4px 0}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(340px,100%),1fr));gap:16px;align-items:start}
figure{margin:0 0 16px;background:var(--box);border:1px solid var(--line);border-radius:8px;padding:10px}
figure img{width:100%;display:block}
figcaption{color:var(--soft);font-size:13px;padding:6px 2px 0;overflow-wrap:anywhere}
svg{width:100%;display:block}svg text{font:10px sans-serif;fill:var(--text)}
.edge{stroke:var(--mark)}.in{fill:var(--good)}.out{fill:var(--page);stroke:var(--bad);stroke-width:2.5}.cell{fill:var(--mark)}.blank{fill:var(--blank)}
code{background:var(--blank);padding:1px 4px;border-radius:3px}
@media print{details::details-content{content-visibility:visible}}
)";

}  // namespace

std::string HtmlPage(const std::string& title, const std::string& date, const std::string& command_line,
                     const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width\"><title>" +
         EscapeHtml(title) + "</title>\n<style>" + kStyle + "</style></head>\n<body><main>\n<h1>" +
         EscapeHtml(title) + "</h1>\n<p class=\"sub\">" + EscapeHtml(date) + "<br><code>" +
         EscapeHtml(command_line) + "</code></p>\n" + body + "</main></body></html>\n";
}

std::string ReportDate() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M", std::localtime(&now));
  return text;
}

std::string Card(const std::string& number, const std::string& label, const char* rating) {
  return std::string("<div class=\"card ") + rating + "\"><b>" + EscapeHtml(number) + "</b><span>" +
         EscapeHtml(label) + "</span></div>\n";
}

std::string Cell(const std::string& text) { return "<td>" + EscapeHtml(text) + "</td>"; }
std::string NumberCell(const std::string& text) { return "<td class=\"n\">" + EscapeHtml(text) + "</td>"; }
std::string NumberCell(int64_t number) { return NumberCell(std::to_string(number)); }

std::string Table(const std::string& head, const std::string& rows) {
  return "<div class=\"wide\"><table><tr>" + head + "</tr>\n" + rows + "</table></div>\n";
}

std::string Folded(const std::string& html, size_t num_rows, const std::string& what) {
  if (num_rows <= kRowsInSight) return html;
  return "<details><summary>" + EscapeHtml(std::to_string(num_rows) + " " + what) + "</summary>\n" + html +
         "</details>\n";
}

std::string AdviceList(const std::vector<std::string>& advice) {
  std::string html = "<div class=\"box\"><ul>\n";
  for (const std::string& sentence : advice) html += "<li>" + EscapeHtml(sentence) + "</li>\n";
  return html + "</ul></div>\n";
}

std::string RelativeLink(const std::vector<std::string>& path, const std::string& text) {
  static const char kHex[] = "0123456789ABCDEF";
  std::string url = ".";  // so that no name can be taken for a scheme
  for (const std::string& part : path) {
    url += '/';
    for (const char c : part) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 128 && (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.')) {
        url += c;
      } else {
        url += {'%', kHex[byte >> 4], kHex[byte & 15]};
      }
    }
  }
  return "<a href=\"" + url + "\">" + EscapeHtml(text) + "</a>";
}

}  // namespace colmatch
