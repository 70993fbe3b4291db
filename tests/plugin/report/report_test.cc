// Tests of the report: numbers, order, escaping, self-containedness, the failed run, and the pictures of
// matches.
#include "plugin/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>

#include "plugin/report/match_picture.h"
#include "plugin/report/report_html.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

ReportData SomeRun() {
  ReportData data;
  data.title = "Courtyard";
  data.command_line = "colmatch automatic_reconstructor --image_path photos";
  data.date = "2026-01-01 12:00";
  data.stages = {{"features", 3.25, "3 images"}, {"matches", 10.5, ""}};
  data.weights = {{"default", "Apache-2.0", "abc123"}};
  data.images = {{"a.jpg", 640, 480, 1000, 2, 500, true, ""},
                 {"b.jpg", 640, 480, 900, 1, 300, true, ""},
                 {"c.jpg", 640, 480, 800, 1, 20, false, "too few inliers"},
                 {"d.jpg", 640, 480, 700, 1, 280, true, ""}};
  data.pairs = {{0, 1, 350, 300, "CALIBRATED"},
                {0, 2, 90, 20, "UNCALIBRATED"},
                {1, 2, 12, 0, "DEGENERATE"},
                {0, 3, 300, 280, "PLANAR"}};
  ReportSubModel model{"0", {}};
  model.statistics.num_registered = 3;
  model.statistics.num_points = 4321;
  model.statistics.mean_track_length = 2.345;
  model.statistics.mean_reprojection_error_px = 0.4567;
  data.models = {model};
  data.pictures = {{"a.jpg and b.jpg", cv::Mat(20, 30, CV_8UC3, cv::Scalar(1, 2, 3))}};
  return data;
}

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

TEST(Report, HeadlineNumbersComeFirst) {
  const std::string html = ReportHtml(SomeRun());
  const size_t stages = html.find("<h2>Stages");
  for (const char* number : {"<b>3 of 4</b>", "<b>4321</b>", "<b>2.35</b>", "<b>0.457 px</b>",
                             "<b>3 of 4</b><span>pairs", "<b>13.8 s</b>"}) {
    EXPECT_LT(html.find(number), stages) << number;
  }
}

TEST(Report, SkippedInputsCountAgainstTheRunAndAreListedWithReasons) {
  ReportData data = SomeRun();
  data.skipped = {{"broken.jpg", "truncated JPEG"}, {"note.txt", "not an image"}};
  const std::string html = ReportHtml(data);
  EXPECT_THAT(html, HasSubstr("<b>3 of 6</b>"));
  EXPECT_THAT(html, HasSubstr("<td>broken.jpg</td><td>truncated JPEG</td>"));
  EXPECT_THAT(html, HasSubstr("<td>note.txt</td><td>not an image</td>"));
  EXPECT_THAT(ReportHtml(SomeRun()), Not(HasSubstr("Skipped inputs")));
}

TEST(Report, WorstImagesComeFirst) {
  std::string html = ReportHtml(SomeRun());
  html = html.substr(html.find("the worst first"));
  EXPECT_LT(html.find("c.jpg"), html.find("d.jpg"));
  EXPECT_LT(html.find("d.jpg"), html.find("b.jpg"));
  EXPECT_LT(html.find("b.jpg"), html.find("a.jpg"));
  EXPECT_THAT(html, HasSubstr("no: too few inliers"));
}

TEST(Report, OfManyImagesTheWorstAreInSightAndTheOthersBehindALine) {
  ReportData data = SomeRun();
  data.images.insert(data.images.begin(), 96, data.images[0]);
  data.pairs.clear();
  std::string html = ReportHtml(data);
  html = html.substr(html.find("the worst first"));
  const size_t line = html.find("<summary>the other 60</summary>");
  ASSERT_NE(line, std::string::npos);
  EXPECT_LT(html.find("c.jpg"), line);
  EXPECT_EQ(Count(html.substr(0, line), ".jpg"), 40);
  EXPECT_EQ(Count(html, ".jpg"), 100);
}

TEST(Report, GraphHasAnEdgeForEachVerifiedPairAndANodeForEachImage) {
  const std::string svg = MatchGraphSvg(SomeRun());
  EXPECT_EQ(Count(svg, "class=\"edge\""), 3);
  EXPECT_EQ(Count(svg, "<circle"), 4);
  EXPECT_EQ(Count(svg, "class=\"out\""), 1);
  EXPECT_THAT(svg, HasSubstr("a.jpg - b.jpg: 300 inliers of 350 matches, CALIBRATED"));
  EXPECT_EQ(Count(MatchMatrixSvg(SomeRun()), "class=\"cell\""), 6);
}

TEST(Report, StrongerPairsAreDrawnThickerAndLater) {
  const std::string svg = MatchGraphSvg(SomeRun());
  const std::regex width("stroke-width=\"([0-9.]+)\"");
  std::vector<double> widths;
  for (std::sregex_iterator match(svg.begin(), svg.end(), width), end; match != end; ++match) {
    widths.push_back(std::stod((*match)[1]));
  }
  ASSERT_EQ(widths.size(), 3u);
  EXPECT_LT(widths[0], widths[1]);
  EXPECT_LT(widths[1], widths[2]);
}

TEST(Report, VeryManyPairsAreThinnedToTheStrongest) {
  ReportData data = SomeRun();
  data.images.assign(100, data.images[0]);
  data.pairs.clear();
  for (int i = 0; i < 100; ++i) {
    for (int j = i + 1; j < 100; ++j) data.pairs.push_back({i, j, 1000, 1 + i, ""});
  }
  const std::string svg = MatchGraphSvg(data);
  EXPECT_EQ(Count(svg, "class=\"edge\""), 3000);
  EXPECT_THAT(svg, HasSubstr(": 99 inliers"));
  EXPECT_THAT(svg, Not(HasSubstr(": 1 inliers")));
}

TEST(Report, EveryTextIsEscaped) {
  const std::string evil = "<script>alert('x')</script>\"&";
  ReportData data = SomeRun();
  data.title = data.command_line = data.date = data.failure = evil;
  data.stages[0].name = data.stages[0].detail = evil;
  data.weights[0] = {evil, evil, evil};
  data.images[0].name = data.images[0].error = data.images[2].error = evil;
  data.pairs[0].config = evil;
  data.pictures[0].caption = evil;
  data.skipped = {{evil, evil}};
  data.advice = {evil};
  data.models[0].name = evil;
  ModelComparison truth;
  truth.aligned = true;
  truth.images = {{evil, 0, 0, 0, true}};
  truth.missing = {evil};
  data.truth = truth;
  ReportData failed = data;
  failed.models.clear();
  failed.truth->aligned = false;
  failed.truth->reason = evil;
  for (const ReportData& run : {data, failed}) {
    const std::string html = ReportHtml(run);
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, Not(HasSubstr("'x'")));
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
  }
}

TEST(Report, ThePageLoadsNothingFromOutside) {
  const std::string html = ReportHtml(SomeRun());
  EXPECT_EQ(Count(html, "http"), 0);
  EXPECT_EQ(Count(html, "url("), 0);
  EXPECT_EQ(Count(html, "<link"), 0);
  EXPECT_EQ(Count(html, "src="), Count(html, "src=\"data:image/jpeg;base64,/9j/"));
  EXPECT_EQ(Count(html, "src="), 1);
}

TEST(Report, AFailedRunSaysWhyAndWhatToDo) {
  ReportData data = SomeRun();
  data.models.clear();
  for (ReportImage& image : data.images) image.registered = false;
  data.failure = "No good initial image pair found.";
  data.advice = {"Take photos with more overlap."};
  const std::string html = ReportHtml(data);
  EXPECT_THAT(html, HasSubstr("Nothing was reconstructed"));
  EXPECT_THAT(html, HasSubstr("No good initial image pair found."));
  EXPECT_THAT(html, HasSubstr("<li>Take photos with more overlap.</li>"));
  EXPECT_THAT(html, HasSubstr("<b>0 of 4</b>"));
  EXPECT_THAT(ReportHtml(SomeRun()), Not(HasSubstr("Nothing was reconstructed")));
}

TEST(Report, AnEmptyRunIsStillAPage) {
  const std::string html = ReportHtml(ReportData{});
  EXPECT_THAT(html, HasSubstr("<b>0 of 0</b>"));
  EXPECT_THAT(html, HasSubstr("</html>"));
}

TEST(Report, PairsOutsideOfTheImagesAreRefused) {
  for (const ReportPair& bad : {ReportPair{0, 4, 1, 1, ""}, ReportPair{-1, 0, 1, 1, ""}}) {
    ReportData data = SomeRun();
    data.pairs.push_back(bad);
    EXPECT_THROW(ReportHtml(data), UsageError);
    EXPECT_THROW(ReportJson(data), UsageError);
  }
}

TEST(Report, BothFilesAreWrittenAndTheJsonHoldsTheSameNumbers) {
  const TemporaryFolder temporary;
  const fs::path folder = temporary.path() / "report";
  ReportData data = SomeRun();
  data.images[0].name = "caf\xE9.jpg";  // Latin-1: not UTF-8
  WriteReport(data, folder);
  std::ifstream html(folder / "report.html");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(html), {}), ReportHtml(data));
  const auto json = nlohmann::json::parse(std::ifstream(folder / "report.json"));
  EXPECT_EQ(json["num_registered"], 3);
  EXPECT_EQ(json["num_images"], 4);
  EXPECT_EQ(json["num_verified_pairs"], 3);
  EXPECT_EQ(json["total_seconds"], 13.75);
  EXPECT_EQ(json["images"].size(), 4u);
  EXPECT_EQ(json["pairs"][0]["num_inliers"], 300);
  EXPECT_EQ(json["models"][0]["statistics"]["points"], 4321);
  EXPECT_EQ(json["weights"][0]["hash"], "abc123");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2)
      << "something was left beside";
}

TEST(Report, AFolderThatCannotBeWrittenIsAnEnvironmentError) {
  const TemporaryFolder temporary;
  const fs::path file = temporary.Write("blocked", std::string("not a folder"));
  EXPECT_THROW(WriteReport(SomeRun(), file / "report"), EnvironmentError);
}

TEST(Report, Base64IsThatOfTheRfc) {
  const auto encode = [](const std::string& text) {
    return Base64(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  };
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode("\xFF\xFE\xFD"), "//79");
}

// Nearly: anti-aliased lines let some of what is below shine through.
bool IsRed(const cv::Vec3b& bgr) { return bgr[0] < 40 && bgr[1] < 40 && bgr[2] > 215; }

TEST(MatchPicture, LinesJoinTheKeypointsInTheirConfidencesColour) {
  const cv::Mat gray(60, 80, CV_8UC1, cv::Scalar(0));
  MatchPictureOptions options;
  options.draw_keypoints = false;
  const cv::Mat picture = DrawMatches(gray, {{10, 30}}, gray, {{70, 30}}, {{0, 0}}, {1.0f}, "", options);
  ASSERT_EQ(picture.type(), CV_8UC3);
  ASSERT_EQ(picture.size(), cv::Size(80 + 8 + 80, 60));
  for (const int x : {10, 40, 120, 158}) EXPECT_TRUE(IsRed(picture.at<cv::Vec3b>(30, x))) << x;
  EXPECT_EQ(picture.at<cv::Vec3b>(30, 163), cv::Vec3b(0, 0, 0)) << "beyond the right keypoint";
  EXPECT_EQ(picture.at<cv::Vec3b>(20, 40), cv::Vec3b(0, 0, 0));
}

TEST(MatchPicture, SureMatchesLieOnTop) {
  const cv::Mat gray(60, 80, CV_8UC1, cv::Scalar(0));
  const cv::Mat picture =
      DrawMatches(gray, {{10, 30}, {10, 30}}, gray, {{70, 30}, {70, 30}}, {{0, 0}, {1, 1}}, {1.0f, 0.0f});
  EXPECT_TRUE(IsRed(picture.at<cv::Vec3b>(30, 50))) << picture.at<cv::Vec3b>(30, 50);
}

TEST(MatchPicture, ImagesOfDifferentSizesAndACaptionFit) {
  const cv::Mat tall(960, 300, CV_8UC1, cv::Scalar(100)), color(100, 200, CV_8UC3, cv::Scalar(9, 9, 9));
  const cv::Mat picture = DrawMatches(tall, {}, color, {}, {}, {}, "tall and wide");
  EXPECT_EQ(picture.size(), cv::Size(150 + 8 + 200, 480 + 30));
  EXPECT_EQ(picture.at<cv::Vec3b>(300, 250), cv::Vec3b(255, 255, 255)) << "below the smaller image";
}

TEST(MatchPicture, ConfidenceColoursRunFromBlueToRed) {
  EXPECT_EQ(ConfidenceColor(0), cv::Scalar(255, 0, 0));
  EXPECT_EQ(ConfidenceColor(0.5f), cv::Scalar(0, 255, 0));
  EXPECT_EQ(ConfidenceColor(1), cv::Scalar(0, 0, 255));
  EXPECT_EQ(ConfidenceColor(7), cv::Scalar(0, 0, 255));
}

TEST(MatchPicture, ContradictoryInputIsRefused) {
  const cv::Mat gray(10, 10, CV_8UC1, cv::Scalar(0));
  EXPECT_THROW(DrawMatches(gray, {{1, 1}}, gray, {{1, 1}}, {{0, 1}}, {}), UsageError);
  EXPECT_THROW(DrawMatches(gray, {{1, 1}}, gray, {{1, 1}}, {{-1, 0}}, {}), UsageError);
  EXPECT_THROW(DrawMatches(gray, {{1, 1}}, gray, {{1, 1}}, {{0, 0}}, {0.5f, 0.5f}), UsageError);
  EXPECT_THROW(DrawMatches(cv::Mat(), {}, gray, {}, {}, {}), UsageError);
  EXPECT_THROW(DrawMatches(cv::Mat(5, 5, CV_32F), {}, gray, {}, {}, {}), UsageError);
}

ReportData RunWithModel() {
  ReportData data = SomeRun();
  data.view = ModelView{};
  data.view->positions = {{0.5F, -1, 8}, {0, 0, 0}};
  data.view->rgbs = {{1, 2, 3}, {4, 5, 6}};
  data.view->num_points = 7;
  data.view->eye = {0, 1, 2};
  data.view->cameras.push_back({1, {0, 0, 1}, {}, {0xFF, 0xD8}});
  data.model_picture = cv::Mat(30, 40, CV_8UC3, cv::Scalar(9, 9, 9));
  return data;
}

TEST(ReportModel, IsASavedPictureWhereTheLibraryIsMissing) {
  ReportData data = RunWithModel();
  data.viewer.reason = "three.js is not here; fetch it.";
  const std::string html = ReportHtml(data);
  EXPECT_THAT(html, HasSubstr("A still picture: for the interactive view, three.js is not here; fetch it."));
  EXPECT_THAT(html, HasSubstr("alt=\"the model\" src=\"data:image/jpeg;base64,"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
}

TEST(ReportModel, IsInteractiveWithTheLibrary) {
  ReportData data = RunWithModel();
  data.images[0].name = "</script><b>.jpg";
  data.viewer.script = "/* three.js */";
  const std::string html = ReportHtml(data);
  EXPECT_EQ(Count(html, "<script"), 3) << "data, library, view: no name can open another";
  EXPECT_EQ(Count(html, "</script>"), 3);
  const size_t begin = html.find("id=\"model-data\">") + 16, end = html.find("</script>", begin);
  const auto scene = nlohmann::json::parse(html.substr(begin, end - begin));
  EXPECT_EQ(scene["names"][0], "</script><b>.jpg");
  EXPECT_EQ(scene["pairs"].size(), 3u) << "verified ones";
  EXPECT_EQ(scene["count"], 7);
  EXPECT_EQ(scene["cameras"][0]["image"], 1);
  EXPECT_EQ(scene["cameras"][0]["photo"], "/9g=");
  EXPECT_EQ(scene["colors"], "AQIDBAUG");
  // 0.5, -1, 8 and the middle over [-8, 8] in 65,535 steps.
  const unsigned char bytes[] = {0xFF, 0x87, 0x00, 0x70, 0xFF, 0xFF, 0x00, 0x80, 0x00, 0x80, 0x00, 0x80};
  EXPECT_EQ(scene["positions"], Base64(bytes, sizeof(bytes)));
  for (const char* outside : {"http-equiv", "src=\"http", "href=\"http", "@import", "fetch(", "import("})
    EXPECT_THAT(html, Not(HasSubstr(outside))) << outside;
}

TEST(ReportModel, PictureIsAFileForReadersOfTheJson) {
  TemporaryFolder folder;
  WriteReport(RunWithModel(), folder.path());
  EXPECT_TRUE(fs::exists(folder.path() / kModelPictureFile));
  std::ifstream file(folder.path() / "report.json");
  EXPECT_EQ(nlohmann::json::parse(file)["model_picture"], kModelPictureFile);
  EXPECT_TRUE(ReportJson(SomeRun())["model_picture"].is_null());
}

}  // namespace
}  // namespace colmatch
