// The section with the model; see report_model.h. What it shows is in plugin/report/report_model.js.
#include "plugin/report/report_model.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "plugin/report/report_html.h"
#include "report_model_script_generated.h"

namespace colmatch {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kStyle[] = R"(
#model canvas{width:100%;height:min(70vh,620px);display:none;border-radius:6px;touch-action:none;cursor:grab}
@media (max-width:600px){#model canvas{height:55vh}}
#model canvas:focus-visible{outline:3px solid var(--mark)}
#model.live canvas{display:block}#model.live .still{display:none}
#model .live-only{display:none}#model.live .live-only{display:block}
#model .bar{display:flex;flex-wrap:wrap;gap:8px 18px;align-items:center;margin:8px 0;font-size:13px}
#model .bar label{display:flex;gap:6px;align-items:center}
#model select{max-width:100%;font:inherit}#model button{font:inherit;cursor:pointer}
#model .card3d{display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start}
#model .card3d h3{width:100%;margin:4px 0}#model .card3d img{width:240px;max-width:100%;border-radius:4px}
#model .card3d ol{margin:0;max-height:180px;overflow:auto;flex:1 1 260px;font-size:13px}
#model .card3d ol button{background:none;border:0;padding:0;color:var(--mark);text-decoration:underline;
overflow-wrap:anywhere;text-align:left}
)";

constexpr char kControls[] = R"(
<div class="live-only">
<div class="bar"><label>photo <select data-part="chooser" aria-label="choose a photo"></select></label>
<button data-part="reset">reset view</button>
<label><input type="checkbox" data-part="cameras" checked> cameras</label>
<label>camera size <input type="range" data-part="camera-size" min="0.01" max="0.4" step="0.01" value="0.09"></label>
<label>point size <input type="range" data-part="point-size" min="0.002" max="0.05" step="0.001" value="0.012"></label>
<label>points <input type="range" data-part="amount" min="1" max="100" value="100"> <span data-part="shown"></span></label>
</div>
<p data-part="status" role="status" class="sub" style="margin:4px 0"></p>
<div data-part="card" class="card3d"></div>
<details><summary>how to move</summary>Drag turns, drag with the right button or two fingers moves, wheel or pinch comes
nearer (click the view first); a click on a camera shows its photo and the photos it is verified with. Keys, once the view
has the focus: arrows turn, shift and arrows move, + and - come nearer and go back, n and p choose the next and the
previous camera, Escape chooses none, r resets.</details>
</div>
)";

// 16 bits a coordinate, little endian, over [-kReach, kReach].
std::string Positions(const ModelView& view) {
  std::vector<unsigned char> bytes;
  bytes.reserve(6 * view.positions.size());
  for (const cv::Vec3f& place : view.positions) {
    for (int axis = 0; axis < 3; ++axis) {
      const double share = 0.5 * (static_cast<double>(place[axis]) / ModelView::kReach + 1);
      const auto step = static_cast<unsigned>(std::lround(65535 * std::min(1.0, std::max(0.0, share))));
      bytes.push_back(static_cast<unsigned char>(step & 255));
      bytes.push_back(static_cast<unsigned char>(step >> 8));
    }
  }
  return Base64(bytes.data(), bytes.size());
}

std::string Colors(const ModelView& view) {
  std::vector<unsigned char> bytes;
  bytes.reserve(3 * view.rgbs.size());
  for (const auto& rgb : view.rgbs) bytes.insert(bytes.end(), rgb.begin(), rgb.end());
  return Base64(bytes.data(), bytes.size());
}

double Rounded(float value) { return std::round(static_cast<double>(value) * 1e4) / 1e4; }

Json Numbers(const cv::Vec3f& v) { return {Rounded(v[0]), Rounded(v[1]), Rounded(v[2])}; }

Json CameraJson(const ModelView::Camera& camera) {
  Json json = {{"image", camera.image}, {"center", Numbers(camera.center)}, {"corners", Json::array()}};
  for (const cv::Vec3f& corner : camera.corners) {
    for (const double value : Numbers(corner)) json["corners"].push_back(value);
  }
  if (!camera.jpeg.empty()) json["photo"] = Base64(camera.jpeg.data(), camera.jpeg.size());
  return json;
}

Json SceneJson(const ReportData& data) {
  const ModelView& view = *data.view;
  Json json = {{"reach", ModelView::kReach},   {"count", view.num_points}, {"eye", Numbers(view.eye)},
               {"positions", Positions(view)}, {"colors", Colors(view)},   {"names", Json::array()},
               {"cameras", Json::array()},     {"pairs", Json::array()}};
  for (const ReportImage& image : data.images) json["names"].push_back(image.name);
  for (const auto& camera : view.cameras) json["cameras"].push_back(CameraJson(camera));
  for (const ReportPair& pair : data.pairs) {
    if (pair.num_inliers > 0) json["pairs"].push_back({pair.i, pair.j, pair.num_inliers});
  }
  return json;
}

// Nothing in it can end the element that holds it.
std::string InScript(const Json& json) {
  std::string safe;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace))
    safe += c == '<' ? "\\u003c" : std::string(1, c);
  return safe;
}

std::string Still(const ReportData& data) {
  if (data.model_picture.empty()) return "";
  return "<div class=\"still\">" + EmbeddedJpeg(data.model_picture, "the model", 88) + "</div>";
}

}  // namespace

std::string ModelViewSection(const ReportData& data) {
  if (!data.view) return "";
  const bool interactive = !data.viewer.script.empty();
  const std::string note =
      interactive ? "" : "A still picture: for the interactive view, " + data.viewer.reason;
  std::string html =
      "<h2>The model</h2>\n<style>" + std::string(kStyle) + "</style>\n<figure id=\"model\">" + Still(data) +
      "<canvas data-part=\"canvas\" tabindex=\"0\" role=\"application\" aria-label=\"the model in "
      "three dimensions; arrows turn it, n and p choose cameras\"></canvas>\n";
  if (interactive) html += kControls;
  html +=
      "<figcaption>The largest model: its points in the colours of their photos, a pyramid for each camera. "
      "<span data-part=\"note\">" +
      EscapeHtml(note) + "</span></figcaption></figure>\n";
  if (!interactive) return html;
  return html + "<script type=\"application/json\" id=\"model-data\">" + InScript(SceneJson(data)) +
         "</script>\n<script>" + data.viewer.script + "</script>\n<script>" + kReportModelScript +
         "</script>\n";
}

}  // namespace colmatch
