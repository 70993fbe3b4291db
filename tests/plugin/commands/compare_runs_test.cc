// Run folders read back, and trainings beside each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/experiments/run_folder.h"
#include "tests/plugin/program.h"
#include "tests/temporary_folder.h"
#include "util/error.h"
#include "util/read_file.h"

namespace colmatch {
namespace {

using testing::HasSubstr;

class RunFolders : public testing::Test {
 protected:
  std::string WriteRun(const std::string& name, double last_loss, const std::string& rate) const {
    folder_.Write(name + "/config.ini",
                  "# colmatch train\nlearning_rate = " + rate + "\nshards = a\nshards = b\n");
    folder_.Write(name + "/log.txt",
                  std::string("step 50/100 loss 2 steps/s 5\nstep 50/100 validation loss 3 steps/s 0\n"
                              "step 100/100 loss 1 steps/s 10\n"));
    WriteMetricsJson(folder_.File(name), {{"loss", {2, last_loss}}, {"loss_step", {50, 100}}});
    return folder_.File(name);
  }
  TemporaryFolder folder_;
};

TEST_F(RunFolders, AreReadBack) {
  const TrainingRun run = ReadTrainingRun(WriteRun("one", 0.5, "0.1") + "/");
  EXPECT_EQ(run.name, "one");
  EXPECT_EQ(run.metrics.at("loss"), (std::vector<double>{2, 0.5}));
  EXPECT_EQ(run.config.at("learning_rate"), "0.1");
  EXPECT_EQ(run.config.at("shards"), "a b");
  EXPECT_DOUBLE_EQ(run.seconds, 50 / 5.0 + 50 / 10.0);
}

TEST_F(RunFolders, AFolderThatIsNoneAndDamagedMetricsAreErrorsNamingThem) {
  EXPECT_THROW(ReadTrainingRun(folder_.File("none")), UsageError);
  folder_.Write("bad/metrics.json", std::string("{\"loss\": \"low\"}"));
  try {
    ReadTrainingRun(folder_.File("bad"));
    ADD_FAILURE();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("metrics.json"));
  }
}

TEST_F(RunFolders, AreComparedInTheirOptionsAndLastMetrics) {
  const std::string one = WriteRun("one", 0.5, "0.1"), two = WriteRun("two", 0.25, "0.2");
  const ProgramResult result = RunColmatch({"compare_runs", one, two, "--output", folder_.File("out")});
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("| learning_rate | 0.1 | 0.2 |"));
  EXPECT_THAT(result.output, HasSubstr("| loss | 0.5 | 0.25 |"));
  EXPECT_THAT(result.output, Not(HasSubstr("shards"))) << "in which they do not differ";
  EXPECT_EQ(ReadWholeFile(folder_.File("out") + "/comparison.md"), result.output);
}

}  // namespace
}  // namespace colmatch
