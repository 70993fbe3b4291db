// `colmatch database_merger`.
#include <memory>

#include "database_io/merge_databases.h"
#include "plugin/commands/command_list.h"
#include "plugin/extraction/database_options.h"
#include "plugin/runtime/log.h"
#include "util/error.h"

namespace colmatch {
namespace {

class DatabaseMerger : public Command {
 public:
  std::string name() const override { return "database_merger"; }
  bool uses_openmp() const override { return false; }
  std::string description() const override {
    return "Two databases in one, with all that colmatch noted in them: matching goes on in the merged file";
  }
  std::string examples() const override {
    return "  colmatch database_merger --database_path1 a.db --database_path2 b.db --merged_database_path "
           "ab.db\n"
           "  colmatch exhaustive_matcher --database_path ab.db";
  }
  void AddOptions(CLI::App& app) override {
    AddOption(app, "--database_path1", path1_, "first database; its ids are kept")->required();
    AddOption(app, "--database_path2", path2_,
              "second database; its ids are renumbered to follow the first's; no image may have the name of "
              "an image of the first")
        ->required();
    AddOption(app, "--merged_database_path", merged_path_, "merged database to create")->required();
  }
  int Run(const CommonOptions& common) override {
    const DatabaseMergeStats stats =
        MergeDatabases(path1_, path2_, merged_path_, ConnectionOptionsOf(common));
    LogInfo(merged_path_ + ": " + std::to_string(stats.images) + " images, " + std::to_string(stats.cameras) +
            " cameras, " + std::to_string(stats.pairs) + " matched pairs");
    if (stats.lost_priors == 0) return 0;
    LogWarning(std::to_string(stats.lost_priors) + " position priors of " + path2_ +
               " have no place in the tables of " + path1_ + " and are left out: give " + path2_ + " first");
    return 2;
  }

 private:
  std::string path1_, path2_, merged_path_;
};

}  // namespace

std::unique_ptr<Command> MakeDatabaseMergerCommand() { return std::make_unique<DatabaseMerger>(); }

}  // namespace colmatch
