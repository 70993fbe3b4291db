// `colmatch retrieval_matcher`, and the same under COLMAP's name, `vocab_tree_matcher`.
#include "plugin/commands/command_end.h"
#include "plugin/commands/command_list.h"
#include "plugin/matching/matching_options.h"
#include "plugin/matching/retrieval_pairs.h"
#include "plugin/runtime/log.h"

namespace colmatch {
namespace {

class RetrievalMatcherCommand : public Command {
 public:
  // prefix: of the options, without the dot.
  RetrievalMatcherCommand(std::string name, std::string description, std::string prefix)
      : name_(std::move(name)), description_(std::move(description)), prefix_(std::move(prefix)) {}

  std::string name() const override { return name_; }
  std::vector<std::string> precisions() const override { return MatchingPrecisions(); }
  std::string description() const override { return description_; }
  std::string examples() const override {
    return "  colmatch " + name_ + " --database_path db.db --" + prefix_ + ".num_images 30\n" +
           "  colmatch " + name_ + " --database_path db.db --" + prefix_ +
           ".match_list_path new.txt   (only the images in new.txt look for others)";
  }

  void AddOptions(CLI::App& app) override {
    const auto add = [&](const std::string& name, auto& field, const std::string& help) {
      return AddOption(app, "--" + prefix_ + "." + name, field, help);
    };
    add("num_images", retrieval_.num_images, "number of most similar photos that each photo is matched with");
    add("match_list_path", retrieval_.match_list_path,
        "file with one photo name per line: the photos for which similar ones are searched; empty: all");
    add("num_words", retrieval_.index.num_words,
        "number of words of the vocabulary, 1 to 512; a photo takes num_words times the descriptor's "
        "channels in bytes of memory");
    add("max_num_features", retrieval_.index.max_num_features,
        "maximum number of keypoints that describe a photo for retrieval; the strongest are used; -1: all");
    // Of COLMAP's search trees: the search here is exact.
    for (const char* ignored :
         {"num_nearest_neighbors", "num_checks", "num_images_after_verification", "num_threads"})
      add(ignored, ignored_, "")->group(kColmapGroup);
    add("vocab_tree_path", vocab_tree_path_, "")->group(kColmapGroup);
    matching_.AddTo(app, true, true);
  }

  int Run(const CommonOptions& common) override {
    if (!vocab_tree_path_.empty()) {
      LogInfo("--" + prefix_ +
              ".vocab_tree_path is not needed: a vocabulary of SIFT does not fit SuperPoint; "
              "one is made of this collection's own features");
    }
    const MatchingPipelineStats stats = MatchByRetrieval(matching_.Resolve(), retrieval_, common);
    LogInfo("features of photos were read " + std::to_string(stats.image_loads) + " times for matching");
    return FinishMatching(stats);
  }

 private:
  std::string name_, description_, prefix_, vocab_tree_path_, ignored_;
  MatchingCommandOptions matching_;
  RetrievalOptions retrieval_;
};

}  // namespace

std::unique_ptr<Command> MakeRetrievalMatcherCommand() {
  return std::make_unique<RetrievalMatcherCommand>(
      "retrieval_matcher",
      "Match every photo with those that look most like it, for collections too large for exhaustive_matcher",
      "RetrievalMatching");
}

std::unique_ptr<Command> MakeVocabTreeMatcherCommand() {
  return std::make_unique<RetrievalMatcherCommand>(
      "vocab_tree_matcher", "retrieval_matcher under COLMAP's name; needs no vocabulary tree file",
      "VocabTreeMatching");
}

}  // namespace colmatch
