// `colmatch vocab_tree_builder` and `vocab_tree_retriever`: COLMAP's commands on its trees of SIFT, on
// databases of colmatch's features. Those of other features are COLMAP's work.
#include <iostream>
#include <numeric>
#include <set>

#include "plugin/commands/command_list.h"
#include "plugin/extraction/database_options.h"
#include "plugin/extraction/pipeline_stats.h"
#include "plugin/matching/matching_setup.h"
#include "plugin/matching/retrieval_pairs.h"
#include "plugin/runtime/handover.h"
#include "plugin/runtime/log.h"
#include "util/error.h"

namespace colmatch {
namespace {

// Whether the first image with features has some that colmatch may have made.
bool HoldsOurFeatures(ColmapDatabase& database) {
  for (const Image& image : database.Images()) {
    if (database.NumKeypoints(image.image_id) > 0) return database.HasColmatchDescriptors(image.image_id);
  }
  return true;  // none yet
}

class VocabTreeCommand : public Command {
 public:
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--database_path", database_path_, "COLMAP database with features")->required();
    AddOwnOptions(app);
  }
  int Run(const CommonOptions& common) override {
    ColmapDatabase database(database_path_, DatabaseMode::kReadOnly, ConnectionOptionsOf(common));
    if (!HoldsOurFeatures(database)) return HandOverToColmap(common.arguments);
    return RunOn(database, common);
  }

 protected:
  virtual void AddOwnOptions(CLI::App& app) = 0;
  virtual int RunOn(ColmapDatabase& database, const CommonOptions& common) = 0;

  // Options of COLMAP's trees, which there are none of here.
  void AddForeign(CLI::App& app, std::initializer_list<const char*> names) {
    for (const char* name : names) app.add_option(name, ignored_)->group(kColmapGroup);
  }

 private:
  std::string database_path_, ignored_;
};

class VocabTreeBuilder : public VocabTreeCommand {
 public:
  std::string name() const override { return "vocab_tree_builder"; }
  std::string description() const override {
    return "Nothing to do for colmatch's features: retrieval_matcher, vocab_tree_matcher and "
           "vocab_tree_retriever "
           "make their vocabulary themselves. Databases of SIFT are handed to COLMAP";
  }

 protected:
  void AddOwnOptions(CLI::App& app) override {
    AddForeign(app, {"--vocab_tree_path", "--num_visual_words", "--num_checks", "--branching",
                     "--num_iterations", "--max_num_images", "--feature_type", "--num_threads_kmeans"});
  }
  int RunOn(ColmapDatabase&, const CommonOptions&) override {
    LogInfo(
        "nothing is built: a vocabulary tree is for SIFT's descriptors. colmatch's retrieval makes a "
        "vocabulary of "
        "the collection's own features each time and needs no file: go on with vocab_tree_matcher");
    return 0;
  }
};

class VocabTreeRetriever : public VocabTreeCommand {
 public:
  std::string name() const override { return "vocab_tree_retriever"; }
  std::string description() const override {
    return "Print the photos that look most like each one, best first; needs no vocabulary tree file. "
           "Databases of "
           "SIFT are handed to COLMAP";
  }
  std::string examples() const override {
    return "  colmatch vocab_tree_retriever --database_path db.db --num_images 5";
  }

 protected:
  void AddOwnOptions(CLI::App& app) override {
    AddOption(app, "--num_images", num_images_,
              "number of similar photos to print for each photo; below 1: all");
    AddOption(app, "--query_image_list_path", query_list_,
              "file with one photo name per line: the photos for which similar ones are printed");
    AddOption(app, "--database_image_list_path", database_list_,
              "file with one photo name per line: the photos among which similar ones are searched");
    AddOption(
        app, "--max_num_features", index_.max_num_features,
        "maximum number of keypoints that describe a photo for retrieval; the strongest are used; -1: all");
    AddForeign(app, {"--vocab_tree_path", "--output_index_path", "--num_neighbors", "--num_checks",
                     "--num_images_after_verification", "--feature_type"});
  }

  int RunOn(ColmapDatabase& database, const CommonOptions& common) override {
    MatchingPipelineStats stats;
    std::vector<Image> images = ImagesWithFeatures(database, stats);
    std::vector<SkippedInput> skipped;
    const std::vector<int> answers = Listed(database_list_, images, skipped);
    const std::vector<int> queries = Listed(query_list_, images, skipped);
    if (images.size() < 2) throw InputError("fewer than two images have features: nothing can be compared");
    Print(database, images, queries, {answers.begin(), answers.end()}, common);
    for (const auto& [name, reason] : skipped) LogWarning("skipped " + name + ": " + reason);
    return skipped.empty() ? 0 : 2;
  }

 private:
  static std::vector<int> Listed(const std::string& list, const std::vector<Image>& images,
                                 std::vector<SkippedInput>& skipped) {
    if (!list.empty()) return ReadQueries(list, images, skipped);
    std::vector<int> all(images.size());
    std::iota(all.begin(), all.end(), 0);
    return all;
  }

  // As COLMAP's vocab_tree_retriever does.
  void Print(ColmapDatabase& database, const std::vector<Image>& images, const std::vector<int>& queries,
             const std::set<int>& answers, const CommonOptions& common) {
    const int most = num_images_ < 1 ? static_cast<int>(images.size()) : num_images_;
    const auto nearest =
        NeighborsByLook(database, images, queries, index_, static_cast<int>(images.size()), common);
    for (size_t q = 0; q < nearest.size(); ++q) {
      std::cout << "Querying for image " << images[queries[q]].name << " [" << q + 1 << '/' << queries.size()
                << "]\n";
      int printed = 0;
      for (const Neighbor& other : nearest[q]) {
        if (answers.count(other.image) == 0) continue;
        if (printed++ == most) break;
        std::cout << "  image_id=" << images[other.image].image_id
                  << ", image_name=" << images[other.image].name << ", score=" << other.similarity << '\n';
      }
    }
  }

  std::string query_list_, database_list_;
  int num_images_ = -1;
  ImageIndexOptions index_;
};

}  // namespace

std::unique_ptr<Command> MakeVocabTreeBuilderCommand() { return std::make_unique<VocabTreeBuilder>(); }

std::unique_ptr<Command> MakeVocabTreeRetrieverCommand() { return std::make_unique<VocabTreeRetriever>(); }

}  // namespace colmatch
