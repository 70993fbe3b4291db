// `colmatch doctor`.
#include <iostream>
#include <nlohmann/json.hpp>

#include "plugin/commands/command_list.h"
#include "util/atomic_file.h"

namespace colmatch {
namespace {

using Json = nlohmann::ordered_json;

const char* NameOf(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kNote:
      return "note";
    default:
      return "problem";
  }
}

// Names of files and words of damaged databases may hold anything: a line stays a line.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  }
  return text;
}

void Print(const DoctorCheck& check) {
  static const char* const kMarks[] = {"OK      ", "NOTE    ", "PROBLEM "};
  std::cout << kMarks[static_cast<int>(check.health)] << OneLine(check.name) << ": " << OneLine(check.found);
  if (!check.advice.empty()) std::cout << " -> " << OneLine(check.advice);
  std::cout << '\n';
}

Json ToJson(const std::vector<DoctorCheck>& checks, bool healthy) {
  Json json = {{"healthy", healthy}, {"checks", Json::array()}};
  for (const DoctorCheck& c : checks) {
    json["checks"].push_back(
        {{"name", c.name}, {"state", NameOf(c.health)}, {"found", c.found}, {"advice", c.advice}});
  }
  return json;
}

class DoctorCommand : public Command {
 public:
  explicit DoctorCommand(DoctorChecks more) : more_(std::move(more)) {}
  std::string name() const override { return "doctor"; }
  bool uses_openmp() const override { return false; }
  std::string description() const override {
    return "What is installed and used on this machine, and the state of a database: a line a check, OK, "
           "NOTE "
           "or PROBLEM and what to do";
  }
  std::string examples() const override {
    return "  colmatch doctor\n  colmatch doctor --database_path db.db --json doctor.json\n\n"
           "Exit status 0 if all is well, 3 if something that is needed is broken. Nothing is written but "
           "the "
           "JSON.";
  }
  void AddOptions(CLI::App& app) override {
    if (more_) AddOption(app, "--database_path", database_path_, "COLMAP database to check as well");
    AddOption(app, "--json", json_path_,
              "file for the results as JSON; -: print JSON to standard output instead of lines");
  }
  int Run(const CommonOptions& common) override {
    std::vector<DoctorCheck> checks = CheckMachine(common);
    if (more_) {
      for (DoctorCheck& check : more_(database_path_, common)) checks.push_back(std::move(check));
    }
    bool healthy = true;
    for (const DoctorCheck& check : checks) {
      healthy &= check.health != Health::kProblem;
      if (json_path_ != "-") Print(check);
    }
    const std::string json =
        ToJson(checks, healthy).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    if (json_path_ == "-") std::cout << json;
    if (!json_path_.empty() && json_path_ != "-") WriteFileAtomically(json_path_, json);
    return healthy ? 0 : 3;
  }

 private:
  DoctorChecks more_;
  std::string database_path_, json_path_;
};

}  // namespace

std::unique_ptr<Command> MakeDoctorCommand(DoctorChecks more) {
  return std::make_unique<DoctorCommand>(std::move(more));
}

}  // namespace colmatch
