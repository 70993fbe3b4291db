// colmatch in the place of colmap: every option that COLMAP's commands list is taken, and command lines as
// they stand in people's scripts run. To add a command: a line in kCommands, its options in
// docs/colmap_options.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "plugin/runtime/handover.h"
#include "tests/plugin/program.h"
#include "tests/plugin/test_photos.h"
#include "tests/temporary_folder.h"

namespace colmatch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

struct ColmapCommand {
  const char* name;
  std::vector<std::string> required;        // what the command cannot do without, naming nothing that exists
  std::vector<std::string> of_colmap_four;  // options that COLMAP 3.8's help does not list, "name value"
};

const std::vector<std::string> kTwoViewGeometryOfFour = {"TwoViewGeometry.min_num_inliers 15",
                                                         "TwoViewGeometry.multiple_models 0",
                                                         "TwoViewGeometry.compute_relative_pose 0",
                                                         "TwoViewGeometry.detect_watermark 1",
                                                         "TwoViewGeometry.multiple_ignore_watermark 1",
                                                         "TwoViewGeometry.watermark_detection_max_error 4",
                                                         "TwoViewGeometry.filter_stationary_matches 0",
                                                         "TwoViewGeometry.stationary_matches_max_error 4",
                                                         "TwoViewGeometry.use_degensac 0",
                                                         "TwoViewGeometry.use_sampson_refinement 1",
                                                         "TwoViewGeometry.max_error 4",
                                                         "TwoViewGeometry.confidence 0.999",
                                                         "TwoViewGeometry.max_num_trials 10000",
                                                         "TwoViewGeometry.min_inlier_ratio 0.25",
                                                         "TwoViewGeometry.random_seed -1"};

const std::vector<std::string> kGeneralOfFour = {"default_random_seed 0", "log_target stderr",
                                                 "log_path /tmp",         "log_level 0",
                                                 "log_severity 0",        "log_color 0"};

std::vector<std::string> Joined(std::initializer_list<std::vector<std::string>> lists) {
  std::vector<std::string> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

const std::vector<std::string> kMatchingOfFour =
    Joined({{"FeatureMatching.type SIFT_BRUTEFORCE", "FeatureMatching.num_threads -1",
             "FeatureMatching.use_gpu 1", "FeatureMatching.gpu_index -1", "FeatureMatching.guided_matching 0",
             "FeatureMatching.skip_geometric_verification 0", "FeatureMatching.rig_verification 0",
             "FeatureMatching.skip_image_pairs_in_same_frame 0", "FeatureMatching.max_num_matches 32768",
             "SiftMatching.cpu_brute_force_matcher 0", "SiftMatching.lightglue_min_score 0.1",
             "SiftMatching.lightglue_model_path x", "AlikedMatching.brute_force_min_cossim 0.85",
             "AlikedMatching.brute_force_max_ratio 1", "AlikedMatching.brute_force_cross_check 1",
             "AlikedMatching.bruteforce_model_path x", "AlikedMatching.lightglue_min_score 0.1",
             "AlikedMatching.lightglue_model_path x"},
            kTwoViewGeometryOfFour,
            kGeneralOfFour});

const ColmapCommand kCommands[] = {
    {"feature_extractor",
     {"--database_path", "/nonexistent/x.db", "--image_path", "/nonexistent"},
     Joined({{"FeatureExtraction.type SIFT", "FeatureExtraction.num_threads -1",
              "FeatureExtraction.use_gpu 1", "FeatureExtraction.gpu_index -1",
              "FeatureExtraction.max_image_size -1", "SiftExtraction.darkness_adaptivity 0",
              "AlikedExtraction.max_num_features 2048", "AlikedExtraction.min_score 0.2",
              "AlikedExtraction.n16rot_model_path x", "AlikedExtraction.n32_model_path x"},
             kGeneralOfFour})},
    {"exhaustive_matcher", {"--database_path", "/nonexistent/x.db"}, kMatchingOfFour},
    {"sequential_matcher",
     {"--database_path", "/nonexistent/x.db"},
     Joined({{"SequentialMatching.overlap 10", "SequentialMatching.quadratic_overlap 1",
              "SequentialMatching.expand_rig_images 1", "SequentialMatching.loop_detection 0",
              "SequentialMatching.loop_detection_min_index_distance 0", "SequentialMatching.num_threads -1"},
             kMatchingOfFour})},
    {"spatial_matcher",
     {"--database_path", "/nonexistent/x.db"},
     Joined({{"SpatialMatching.ignore_z 1", "SpatialMatching.max_num_neighbors 50",
              "SpatialMatching.min_num_neighbors 0", "SpatialMatching.max_distance 100",
              "SpatialMatching.num_threads -1"},
             kMatchingOfFour})},
    {"transitive_matcher",
     {"--database_path", "/nonexistent/x.db"},
     Joined(
         {{"TransitiveMatching.batch_size 1000", "TransitiveMatching.num_iterations 3"}, kMatchingOfFour})},
    {"vocab_tree_matcher",
     {"--database_path", "/nonexistent/x.db"},
     Joined({{"VocabTreeMatching.num_images 100", "VocabTreeMatching.num_threads -1",
              "VocabTreeMatching.num_checks 64", "VocabTreeMatching.num_nearest_neighbors 5"},
             kMatchingOfFour})},
    {"matches_importer",
     {"--database_path", "/nonexistent/x.db", "--match_list_path", COLMATCH_SOURCE_DIR "/README.md"},
     Joined({{"match_type pairs", "ImagePairsMatching.block_size 1225"}, kMatchingOfFour})},
    {"vocab_tree_builder",
     {"--database_path", "/nonexistent/x.db", "--vocab_tree_path", "x"},
     Joined({{"feature_type SIFT", "num_visual_words 100"}, kGeneralOfFour})},
    {"vocab_tree_retriever",
     {"--database_path", "/nonexistent/x.db", "--vocab_tree_path", "x"},
     Joined({{"num_images 5", "num_checks 64"}, kGeneralOfFour})},
    {"database_merger",
     {"--database_path1", "/nonexistent/x.db", "--database_path2", "/nonexistent/y.db",
      "--merged_database_path", "/nonexistent/z.db"},
     kGeneralOfFour},
    {"geometric_verifier",
     {"--database_path", "/nonexistent/x.db"},
     Joined({{"batch_size 1000", "num_threads -1", "rig_verification 0"},
             kTwoViewGeometryOfFour,
             kGeneralOfFour})},
    {"automatic_reconstructor",
     {"--workspace_path", "/nonexistent/w", "--image_path", "/nonexistent"},
     Joined(
         {{"image_list_path x", "single_camera_per_folder 0", "camera_params 500,320,240,0", "extraction 1",
           "matching 1", "feature sift", "mapper incremental", "Mapper.ba_backend ceres", "random_seed 0"},
          kGeneralOfFour})},
};

// "name value" of every option with a default that `colmap COMMAND -h` lists; those without get one.
std::vector<std::string> OptionsOfInstalledColmap(const std::string& command) {
  const std::map<std::string, std::string> values = {
      {"ImageReader.mask_path", ""},
      {"ImageReader.camera_mask_path", ""},
      {"ImageReader.camera_params", ""},
      {"image_list_path", "x"},
      {"camera_params", "500,320,240,0"},  // listed from 3.10 on
      {"mask_path", ""},
      {"SequentialMatching.vocab_tree_path", "x"},
      {"VocabTreeMatching.vocab_tree_path", "x"},
      {"VocabTreeMatching.match_list_path", ""},
      {"database_image_list_path", ""},
      {"query_image_list_path", ""},
      {"output_index_path", "x"}};
  std::set<std::string> given_otherwise = {"help",           "project_path",   "database_path",
                                           "image_path",     "workspace_path", "match_list_path",
                                           "database_path1", "database_path2", "merged_database_path"};
  if (command.rfind("vocab_tree_", 0) == 0 || command == "automatic_reconstructor")
    given_otherwise.insert("vocab_tree_path");
  const std::string line = "QT_QPA_PLATFORM=offscreen colmap " + command + " -h 2>&1";
  std::string help;
  std::array<char, 4096> part{};
  FILE* pipe = popen(line.c_str(), "r");
  while (fgets(part.data(), part.size(), pipe) != nullptr) help += part.data();
  pclose(pipe);
  std::vector<std::string> options;
  std::istringstream lines(help);
  for (std::string text; std::getline(lines, text);) {
    const auto begin = text.find("--");
    if (begin == std::string::npos || text.find(" arg") == std::string::npos) continue;
    const std::string name = text.substr(begin + 2, text.find(' ', begin) - begin - 2);
    if (given_otherwise.count(name) > 0) continue;
    const auto value = text.find("(=");
    const auto known = values.find(name);
    if (value == std::string::npos && known == values.end()) {
      ADD_FAILURE() << command << ": a value for --" << name << " is missing in this test";
      continue;
    }
    options.push_back(
        name + ' ' +
        (known != values.end() ? known->second : text.substr(value + 2, text.find(')', value) - value - 2)));
  }
  return options;
}

std::string Documentation() {
  std::ifstream stream(COLMATCH_SOURCE_DIR "/docs/colmap_options.md");
  return {std::istreambuf_iterator<char>(stream), {}};
}

// One run with all of them: what is not taken is named in the error.
void ExpectTaken(const ColmapCommand& command, const std::vector<std::string>& options) {
  std::vector<std::string> arguments = {command.name};
  arguments.insert(arguments.end(), command.required.begin(), command.required.end());
  const std::string documentation = Documentation();
  for (const std::string& option : options) {
    const auto blank = option.find(' ');
    arguments.push_back("--" + option.substr(0, blank) + '=' + option.substr(blank + 1));
    if (option.back() == ' ') arguments.pop_back();  // no value: nothing a script would say
    EXPECT_THAT(documentation, HasSubstr('`' + option.substr(0, blank) + '`')) << "is not documented";
  }
  const ProgramResult result = RunColmatch(arguments);
  EXPECT_THAT(result.output, HasSubstr("/nonexistent"))
      << "the options are taken, what they name is not there";
  EXPECT_THAT(result.output, Not(HasSubstr("not expected")));
  EXPECT_TRUE(result.status == 1 || result.status == 3) << result.status;
}

TEST(ColmapOptions, EveryOneThatColmapThreeListsIsTakenAndDocumented) {
  if (!IsOnPath("colmap")) GTEST_SKIP() << "colmap is not on PATH";
  for (const ColmapCommand& command : kCommands) {
    SCOPED_TRACE(command.name);
    if (std::string(command.name) == "geometric_verifier") continue;  // COLMAP 4's
    const auto options = OptionsOfInstalledColmap(command.name);
    EXPECT_GT(options.size(), 2u);
    ExpectTaken(command, options);
  }
}

TEST(ColmapOptions, EveryOneOfColmapFourIsTakenAndDocumented) {
  for (const ColmapCommand& command : kCommands) {
    SCOPED_TRACE(command.name);
    ExpectTaken(command, command.of_colmap_four);
  }
}

// Every name of an option in COLMAP 4's own library, and every field of its classes of options, a line each.
constexpr char kListOfFour[] = R"py(
import re, pycolmap
names = set(n.decode() for n in re.findall(
    rb'\0((?:ImageReader|[A-Z][a-z]+Extraction|[A-Z][A-Za-z]+Matching|TwoViewGeometry)\.[a-z_0-9]+)\0',
    open(pycolmap._core.__file__, 'rb').read()))
for prefix, options in (('ExhaustiveMatching', pycolmap.ExhaustivePairingOptions),
                        ('SequentialMatching', pycolmap.SequentialPairingOptions),
                        ('SpatialMatching', pycolmap.SpatialPairingOptions),
                        ('VocabTreeMatching', pycolmap.VocabTreePairingOptions),
                        ('ImagePairsMatching', pycolmap.ImportedPairingOptions)):
    names |= {prefix + '.' + key for key in options().todict()}
names.discard('ImagePairsMatching.match_list_path')  # match_list_path on the command line
print('\n'.join(sorted(names)))
)py";

TEST(ColmapOptions, EveryOneInTheLibraryOfColmapFourIsInTheHelpAndDocumented) {
  const char* const python = std::getenv("COLMATCH_PYCOLMAP_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "COLMATCH_PYCOLMAP_PYTHON does not name a Python with pycolmap 4";
  TemporaryFolder folder;
  const auto script = folder.Write("list.py", std::string(kListOfFour));
  const std::string list = folder.File("list.txt");
  ASSERT_EQ(RunProgram({python, script.string()}, list), 0);
  const std::map<std::string, std::string> only = {
      {"ExhaustiveMatching", "exhaustive_matcher"}, {"SequentialMatching", "sequential_matcher"},
      {"SpatialMatching", "spatial_matcher"},       {"VocabTreeMatching", "vocab_tree_matcher"},
      {"TransitiveMatching", "transitive_matcher"}, {"ImagePairsMatching", "matches_importer"}};
  std::map<std::string, std::string> help;
  for (const char* command :
       {"feature_extractor", "exhaustive_matcher", "sequential_matcher", "spatial_matcher",
        "vocab_tree_matcher", "transitive_matcher", "matches_importer"})
    help[command] = RunColmatch({command, "-h"}).output;
  const std::string documentation = Documentation();
  std::ifstream names(list);
  int count = 0;
  for (std::string name; std::getline(names, name); ++count) {
    const std::string section = name.substr(0, name.find('.'));
    const bool of_features = section == "ImageReader" || section.find("Extraction") != std::string::npos;
    const auto owner = only.find(section);
    for (const auto& [command, text] : help) {
      if (of_features != (command == "feature_extractor")) continue;
      if (owner != only.end() && owner->second != command) continue;
      EXPECT_THAT(text, HasSubstr("--" + name)) << command;
    }
    EXPECT_THAT(documentation, HasSubstr('`' + name + '`')) << "is not documented";
  }
  EXPECT_GT(count, 80);
}

TEST(ColmapOptions, WhatWouldChangeResultsIsRefusedWithItsReason) {
  const struct {
    std::vector<std::string> arguments;
    const char* reason;
  } cases[] = {
      {{"exhaustive_matcher", "--database_path", "x", "--SiftMatching.planar_scene", "1"}, "planes"},
      {{"exhaustive_matcher", "--database_path", "x", "--FeatureMatching.rig_verification", "1"}, "rigs"},
      {{"exhaustive_matcher", "--database_path", "x", "--FeatureMatching.skip_image_pairs_in_same_frame",
        "1"},
       "frame"},
      {{"geometric_verifier", "--database_path", "x", "--TwoViewGeometry.use_degensac", "1"}, "DEGENSAC"},
      {{"geometric_verifier", "--database_path", "x", "--TwoViewGeometry.filter_stationary_matches", "true"},
       "do not move"},
      {{"automatic_reconstructor", "--workspace_path", "x", "--image_path", "x", "--dense", "1"}, "sparse"},
      {{"sequential_matcher", "--database_path", "x",
        "--SequentialMatching.loop_detection_min_index_distance", "3"},
       "neighbours"},
      {{"exhaustive_matcher", "--database_path", "x", "--use_gpu", "0", "--device", "cuda"}, "contradict"},
      {{"exhaustive_matcher", "--database_path", "x", "--SiftMatching.gpu_index", "first"}, "gpu_index"},
      {{"exhaustive_matcher", "--database_path", "x", "--SiftMatching.gpu_index", "-1,0"}, "gpu_index"},
  };
  for (const auto& c : cases) {
    const ProgramResult result = RunColmatch(c.arguments);
    EXPECT_EQ(result.status, 1) << result.output;
    EXPECT_THAT(result.output, HasSubstr(c.reason));
  }
}

// As people have them, found in COLMAP's documentation and in public scripts. DB, PHOTOS, MASKS and WORK are
// put in.
struct ScriptLine {
  const char* line;
  const char* says;  // in the output
};

const ScriptLine kScriptLines[] = {
    // COLMAP 3.8: instant-ngp, Gaussian splatting, Docker and Colab recipes.
    {"feature_extractor --ImageReader.camera_model OPENCV --ImageReader.camera_params  "
     "--SiftExtraction.estimate_affine_shape=true --SiftExtraction.domain_size_pooling=true "
     "--ImageReader.single_camera 1 --database_path DB --image_path PHOTOS",
     "SiftExtraction.domain_size_pooling"},
    {"exhaustive_matcher --SiftMatching.guided_matching=true --database_path DB",
     "SiftMatching.guided_matching"},
    {"exhaustive_matcher --database_path DB --SiftMatching.use_gpu 0 --ExhaustiveMatching.block_size 300",
     "there already"},
    {"feature_extractor --database_path DB --image_path PHOTOS --ImageReader.single_camera 1 "
     "--ImageReader.existing_camera_id 1 --SiftExtraction.use_gpu 0 --SiftExtraction.num_threads 1",
     "2 were there already"},
    // COLMAP 4.
    {"feature_extractor --database_path DB4 --image_path PHOTOS --FeatureExtraction.type SIFT "
     "--SiftExtraction.max_num_features 300 --FeatureExtraction.use_gpu 0 --ImageReader.mask_path MASKS",
     "600 keypoints"},
    {"exhaustive_matcher --database_path DB4 --FeatureMatching.type SIFT_LIGHTGLUE "
     "--FeatureMatching.num_threads 1 "
     "--TwoViewGeometry.min_num_inliers 15",
     "FeatureMatching.type"},
    {"geometric_verifier --database_path DB4 --TwoViewGeometry.max_error 4 --batch_size 1000 --num_threads 1",
     "0 pairs"},
    {"feature_extractor --database_path DB5 --image_path PHOTOS --FeatureExtraction.type ALIKED_N16ROT "
     "--AlikedExtraction.max_num_features 150 --FeatureExtraction.max_image_size 300 --camera_mode 1",
     "300 keypoints"},
    {"exhaustive_matcher --database_path DB5 --FeatureMatching.skip_geometric_verification 1 "
     "--FeatureMatching.gpu_index 0 --default_random_seed 1 --log_level 0",
     ""},
    {"automatic_reconstructor --workspace_path WORK --image_path PHOTOS --data_type individual --quality low "
     "--single_camera 1 --camera_model PINHOLE --mask_path MASKS --sparse 0 --dense 0 --use_gpu 0 "
     "--num_threads 1",
     ""},
    {"automatic_reconstructor --workspace_path WORK --image_path PHOTOS --quality low --single_camera 1 "
     "--camera_model PINHOLE --mask_path MASKS --extraction 0 --matching 1 --sparse 0 --feature sift "
     "--mapper global --random_seed 0",
     ""},
};

std::vector<std::string> Words(std::string line, const fs::path& folder) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    if (word.rfind("DB", 0) == 0) word = (folder / (word + ".db")).string();
    if (word == "PHOTOS" || word == "MASKS" || word == "WORK") word = (folder / word).string();
    words.push_back(word);
    // As the shell hands over an empty value.
    if (word == "--ImageReader.camera_params") words.emplace_back();
  }
  return words;
}

TEST(ColmapScripts, RealCommandLinesRun) {
  const TemporaryFolder folder;
  CopyTwoTestPhotos(folder.path() / "PHOTOS");
  fs::create_directories(folder.path() / "MASKS");
  for (const char* name : {"courtyard_00.jpg.png", "courtyard_01.png"})
    cv::imwrite(folder.path() / "MASKS" / name, cv::Mat(300, 400, CV_8U, cv::Scalar(255)));
  for (const ScriptLine& script : kScriptLines) {
    SCOPED_TRACE(script.line);
    std::vector<std::string> arguments = Words(script.line, folder.path());
    arguments.insert(arguments.end(), {"--weights", "fast"});
    const ProgramResult result = RunColmatch(arguments);
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr(script.says));
  }
}

TEST(ColmapScripts, AProjectFileOfAllCommandsServesEach) {
  const TemporaryFolder folder;
  CopyTwoTestPhotos(folder.path() / "PHOTOS");
  const std::string text =
      "database_path=" + (folder.path() / "x.db").string() +
      "\nimage_path=" + (folder.path() / "PHOTOS").string() +
      "\n[ImageReader]\nsingle_camera=true\n[SiftExtraction]\nnum_threads=1\nmax_num_features=200\n"
      "[SiftMatching]\nnum_threads=1\nmax_num_matches=32768\n[Mapper]\nmin_num_matches=15\n";
  const auto project = folder.Write("project.ini", text);
  for (const char* command : {"feature_extractor", "exhaustive_matcher"}) {
    const ProgramResult result = RunColmatch({command, "--project_path", project, "--weights", "fast"});
    EXPECT_EQ(result.status, 0) << result.output;
  }
  const auto misspelt = folder.Write("misspelt.ini", text + "[ImageReader]\nsingle_kamera=1\n");
  const ProgramResult result = RunColmatch({"feature_extractor", "--project_path", misspelt});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("single_kamera"));
}

}  // namespace
}  // namespace colmatch
