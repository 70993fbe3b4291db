// `colmatch evaluate` from outside: each protocol on pictures whose truth is known, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <sstream>

#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Json = nlohmann::json;

class Evaluate : public testing::Test {
 protected:
  ProgramResult Run(const std::vector<std::string>& arguments, const std::string& output = "results") const {
    std::vector<std::string> all = {"evaluate"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    for (const std::string& word :
         {std::string("--output"), folder_.File(output), std::string("--num_threads"), std::string("1")})
      all.push_back(word);
    return RunColmatch(all);
  }
  Json Metrics(const std::string& output = "results") const {
    std::ifstream file(folder_.File(output) + "/metrics.json");
    return Json::parse(file);
  }
  // Six pictures of one plane; the last five are warps of the first by what is written beside them.
  std::string WriteSequence() const {
    const fs::path sequence = folder_.path() / "sequences" / "v_plane";
    fs::create_directories(sequence);
    const cv::Mat photo = cv::imread((TestPhotos() / "courtyard_00.jpg").string());
    cv::imwrite((sequence / "1.png").string(), photo);
    for (int i = 2; i <= 6; ++i) {
      const cv::Matx33d h(1, 0.01 * i, 2.0 * i, -0.01 * i, 1, i, 1e-5 * i, 0, 1);
      cv::Mat warped;
      cv::warpPerspective(photo, warped, h, photo.size());
      cv::imwrite((sequence / (std::to_string(i) + ".png")).string(), warped);
      std::ofstream file(sequence / ("H_1_" + std::to_string(i)));
      for (const double value : h.val) file << value << ' ';
    }
    return (folder_.path() / "sequences").string();
  }

  TemporaryFolder folder_;
};

TEST_F(Evaluate, HomographyPutsEveryMethodBesideSuperGlueWithIntervals) {
  CopyTwoTestPhotos(folder_.path() / "photos");
  const ProgramResult result = Run({"homography", "--image_path", folder_.File("photos"), "--pairs_per_image",
                                    "1", "--difficulty", "0.3"});
  ASSERT_EQ(result.status, 0) << result.output;
  const Json metrics = Metrics();
  EXPECT_EQ(metrics.at("num_pairs"), 2);
  EXPECT_EQ(metrics.at("num_failed"), 0);
  for (const char* method :
       {"superglue", "superglue_alone", "nn", "nn_mutual", "nn_ratio", "sift_mutual", "sift_ratio"}) {
    const Json& row = metrics.at("methods").at(method);
    for (const char* threshold : {"3", "5", "10"}) {
      EXPECT_TRUE(row.at("auc_ransac").contains(threshold));
      EXPECT_TRUE(row.at("auc_dlt").contains(threshold));
    }
    const double precision = row.at("precision"), low = row.at("confidence_95").at("precision")[0],
                 high = row.at("confidence_95").at("precision")[1];
    EXPECT_TRUE(0 < low && low <= precision && precision <= high && high <= 1) << method;
  }
  EXPECT_EQ(metrics.at("precision"), metrics.at("methods").at("superglue").at("precision"));
  EXPECT_GT(metrics.at("methods").at("superglue").at("recall"), 0.5) << "easy warps";
  EXPECT_THAT(result.output, HasSubstr("superglue"));
  for (const char* file : {"table.md", "pairs.csv", "error_ransac.png"})
    EXPECT_TRUE(fs::exists(folder_.path() / "results" / file)) << file;
}

TEST_F(Evaluate, TheSameSeedGivesTheSameNumbers) {
  CopyTwoTestPhotos(folder_.path() / "photos");
  const std::vector<std::string> arguments = {
      "homography", "--image_path", folder_.File("photos"), "--pairs_per_image", "1", "--random_seed"};
  const auto with_seed = [&](const std::string& seed, const std::string& output) {
    auto all = arguments;
    all.push_back(seed);
    EXPECT_EQ(Run(all, output).status, 0);
    return Metrics(output).at("methods");
  };
  const Json first = with_seed("3", "a");
  EXPECT_EQ(first, with_seed("3", "b"));
  EXPECT_NE(first, with_seed("4", "c"));
}

TEST_F(Evaluate, LegacyTakesAListOfHomographiesAndLeavesOutPairsWithFewMatches) {
  CopyTwoTestPhotos(folder_.path() / "photos");
  folder_.Write(
      "pairs.txt",
      std::string("courtyard_00.jpg 1 0 5 0 1 3 0 0 1\ncourtyard_01.jpg 0.05 0 0 0 0.05 0 0 0 1\n"));
  const ProgramResult result = Run({"homography", "--protocol", "legacy", "--image_path",
                                    folder_.File("photos"), "--pairs_path", folder_.File("pairs.txt")});
  ASSERT_EQ(result.status, 0) << result.output;
  const Json metrics = Metrics();
  EXPECT_EQ(metrics.at("num_pairs"), 2);
  EXPECT_EQ(metrics.at("num_failed"), 1) << "shrunk to a twentieth";
  EXPECT_GT(metrics.at("precision"), 0.9) << "a shift by 5 and 3 pixels";
  EXPECT_TRUE(metrics.at("auc_dlt").contains("25"));

  folder_.Write("pairs.txt", std::string("courtyard_00.jpg 1 0 5 0 1\n"));
  const ProgramResult bad = Run({"homography", "--protocol", "legacy", "--image_path", folder_.File("photos"),
                                 "--pairs_path", folder_.File("pairs.txt")});
  EXPECT_NE(bad.status, 0);
  EXPECT_THAT(bad.output, HasSubstr("pairs.txt:1"));
}

TEST_F(Evaluate, HomographyTakesPairsThatWereMadeElsewhere) {
  const fs::path pictures = folder_.path() / "pictures";
  fs::create_directories(pictures);
  const cv::Mat photo = cv::imread((TestPhotos() / "courtyard_00.jpg").string());
  const cv::Matx33d h(1, 0.02, 6, -0.02, 1, 4, 1e-5, 0, 1);
  cv::Mat warped;
  cv::warpPerspective(photo, warped, h, cv::Size(photo.cols - 30, photo.rows - 20));
  cv::imwrite((pictures / "a.png").string(), photo);
  cv::imwrite((pictures / "b.png").string(), warped);
  const auto run = [&](const std::string& pairs) {
    folder_.Write("pairs.json", pairs);
    return Run({"homography", "--image_path", pictures.string(), "--pairs", folder_.File("pairs.json")});
  };
  const std::string truth = "[[1, 0.02, 6], [-0.02, 1, 4], [1e-5, 0, 1]]";
  const ProgramResult result = run(R"([{"i": 0, "images": ["a.png", "b.png"], "h": )" + truth + "}]");
  ASSERT_EQ(result.status, 0) << result.output;
  const Json metrics = Metrics();
  EXPECT_EQ(metrics.at("num_pairs"), 1);
  EXPECT_GT(metrics.at("precision"), 0.9);
  EXPECT_GT(metrics.at("mean_places"), 20);

  for (const std::string& bad :
       {std::string("{"), std::string("{}"), std::string(R"([{"images": ["a.png"], "h": )" + truth + "}]"),
        std::string(R"([{"images": ["a.png", "b.png"], "h": [[1, 0, 0], [0, 1], [0, 0, 1]]}])"),
        std::string(R"([{"images": ["a.png", "b.png"], "h": [[1, 0, 0], [1, 0, 0], [0, 0, 1]]}])"),
        std::string(R"([{"images": ["a.png", "b.png"]}])")}) {
    const ProgramResult refused = run(bad);
    EXPECT_NE(refused.status, 0) << bad;
    EXPECT_THAT(refused.output, HasSubstr("pairs.json")) << bad;
  }
}

TEST_F(Evaluate, SequencesAreFoundInFoldersAndMatchedAgainstTheirFirstImage) {
  const ProgramResult result = Run({"hpatches", "--image_path", WriteSequence()});
  ASSERT_EQ(result.status, 0) << result.output;
  const Json metrics = Metrics();
  EXPECT_EQ(metrics.at("num_pairs"), 5);
  EXPECT_GT(metrics.at("mean_matching_accuracy").at("3"), 0.8);
  EXPECT_GT(metrics.at("methods").at("sift_ratio").at("auc_ransac").at("5"), 0.7);
  EXPECT_GT(metrics.at("repeatability"), 0.5);
  std::ifstream csv(folder_.File("results") + "/pairs.csv");
  std::stringstream text;
  text << csv.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("v_plane/1-6"));
}

TEST_F(Evaluate, SequencesThatLackAHomographyOrHaveOneWithoutAnInverseAreNamedPairByPair) {
  const fs::path plane = fs::path(WriteSequence()) / "v_plane";
  const ProgramResult whole = Run({"hpatches", "--image_path", plane.parent_path().string()});
  EXPECT_EQ(whole.status, 0);
  EXPECT_THAT(whole.output, testing::Not(HasSubstr("not read"))) << "homographies are read";
  const double before = Metrics().at("mean_matching_accuracy").at("3");
  fs::remove(plane / "H_1_3");
  std::ofstream(plane / "H_1_4") << "0 0 0 0 0 0 0 0 0";
  std::ofstream(plane / "H_1_5") << "1 2 3\n2 4 6\n0 0 1\n";
  const ProgramResult result = Run({"hpatches", "--image_path", plane.parent_path().string()});
  EXPECT_EQ(result.status, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("v_plane/1-3: the sequence has no H_1_3 and no H1to3p"));
  EXPECT_THAT(result.output, HasSubstr("H_1_4: is singular"));
  EXPECT_THAT(result.output, HasSubstr("H_1_5: is singular"));
  EXPECT_GT(Metrics().at("mean_matching_accuracy").at("3"), before - 0.15) << "they are not scored as truth";
}

TEST_F(Evaluate, AFolderWithoutSequencesOrWithOneThatLacksAnImageIsAUsageErrorNamingIt) {
  fs::create_directories(folder_.path() / "empty");
  const ProgramResult none = Run({"hpatches", "--image_path", folder_.File("empty")});
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.output, HasSubstr("no sequence"));
  const std::string sequences = WriteSequence();
  fs::remove(fs::path(sequences) / "v_plane" / "4.png");
  const ProgramResult lacking = Run({"hpatches", "--image_path", sequences});
  EXPECT_EQ(lacking.status, 1);
  EXPECT_THAT(lacking.output, HasSubstr("no image 4"));
}

TEST_F(Evaluate, RotationIsMeasuredAtEveryAngleAndTurningHelpsBeyondWhatTheNetworksBear) {
  CopyTwoTestPhotos(folder_.path() / "photos");
  fs::remove(folder_.path() / "photos" / "courtyard_01.jpg");
  const ProgramResult result = Run({"rotation", "--image_path", folder_.File("photos")});
  ASSERT_EQ(result.status, 0) << result.output;
  const Json methods = Metrics().at("methods");
  for (int degrees = 0; degrees <= 180; degrees += 15)
    EXPECT_TRUE(methods.at("superglue").at("recall").contains(std::to_string(degrees)));
  EXPECT_GT(methods.at("superglue").at("recall").at("0"), 0.5);
  EXPECT_LT(methods.at("superglue").at("recall").at("180"), 0.2);
  EXPECT_GT(methods.at("superglue_turned").at("recall").at("180"), 0.5);
  EXPECT_GT(methods.at("sift_mutual").at("recall").at("90"), 0.5);
}

TEST_F(Evaluate, PosesAreMeasuredOnPairsOfAListAndUnreadablePicturesAreNamed) {
  // The demo scene's cameras are known; one camera model, so its own truth is taken from the rendering.
  DemoSceneOptions options;
  options.num_images = 3;
  options.width = 640;
  options.height = 480;
  RenderDemoScene(options, folder_.path() / "scene");
  const fs::path images = folder_.path() / "scene" / "images";
  // Two views of the same image have no motion: right matches, and a rotation of nothing.
  std::ofstream list(folder_.File("pairs.txt"));
  const std::string k = "600 0 320 0 600 240 0 0 1 ";
  const std::string still = "1 0 0 0.1 0 1 0 0 0 0 1 0 0 0 0 1\n";
  list << "courtyard_00.jpg courtyard_00.jpg 0 0 " << k << k << still;
  list << "courtyard_00.jpg missing.jpg 0 0 " << k << k << still;
  list.close();
  const ProgramResult result =
      Run({"pose", "--image_path", images.string(), "--pairs_path", folder_.File("pairs.txt")});
  EXPECT_EQ(result.status, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("missing.jpg"));
  const Json metrics = Metrics();
  EXPECT_EQ(metrics.at("num_pairs"), 1);
  for (const char* threshold : {"5", "10", "20"}) EXPECT_TRUE(metrics.at("auc_pose").contains(threshold));
  EXPECT_TRUE(metrics.contains("matching_score"));
}

TEST_F(Evaluate, APictureThatIsTurnedInTheListIsMatchedUpright) {
  const fs::path images = folder_.path() / "turned";
  CopyTwoTestPhotos(images);
  const cv::Mat photo = cv::imread((images / "courtyard_00.jpg").string(), cv::IMREAD_GRAYSCALE);
  cv::Mat square, clockwise;
  cv::resize(photo, square, {640, 480});
  cv::imwrite((images / "upright.png").string(), square);
  cv::rotate(square, clockwise, cv::ROTATE_90_CLOCKWISE);  // one anticlockwise turn makes it upright again
  cv::imwrite((images / "turned.png").string(), clockwise);
  const std::string k = "600 0 320 0 600 240 0 0 1 ", kt = "600 0 240 0 600 320 0 0 1 ";
  // Camera 1 is camera 0 turned by 90 degrees about its axis: x1 = -y0, y1 = x0 (clockwise picture).
  const std::string turn = "0 -1 0 0 1 0 0 0.01 0 0 1 0 0 0 0 1\n";
  std::ofstream(folder_.File("pairs.txt")) << "upright.png turned.png 0 1 " << k << kt << turn;
  const ProgramResult result =
      Run({"pose", "--image_path", images.string(), "--pairs_path", folder_.File("pairs.txt")});
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_GT(Metrics().at("mean_matches"), 100);
  EXPECT_GT(Metrics().at("precision"), 0.8) << "keypoints are brought back to the stored picture";
}

TEST_F(Evaluate, APairListThatIsMissingIsAUsageErrorThatSaysHowToNameIt) {
  CopyTwoTestPhotos(folder_.path() / "photos");
  const ProgramResult result = Run({"pose", "--image_path", folder_.File("photos")});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("--pairs_path"));
}

}  // namespace
}  // namespace colmatch
