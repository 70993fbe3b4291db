// `colmatch train magicpoint|superpoint|superglue`.
#include "plugin/commands/command_list.h"
#include "plugin/experiments/training_job.h"

namespace colmatch {
namespace {

class Train : public Command {
 public:
  std::string name() const override { return "train"; }
  std::vector<std::string> precisions() const override { return {kBf16, kFp16}; }
  std::string description() const override {
    return "Train MagicPoint on synthetic shapes, SuperPoint or SuperGlue on homography-warped photos; "
           "resumable, "
           "deterministic for a seed";
  }
  std::string examples() const override {
    return "  colmatch train magicpoint --output runs/magicpoint --num_steps 20000\n"
           "  colmatch prepare_shards --image_path PHOTOS --output train.shard\n"
           "  colmatch train superpoint --shards train.shard --output runs/superpoint --num_steps 20000\n"
           "  colmatch train superpoint --shards train.shard --output runs/superpoint --num_steps 20000 "
           "--resume\n"
           "  colmatch train superglue --shards train.shard --superpoint "
           "runs/superpoint/superpoint.safetensors \\\n"
           "      --output runs/superglue --num_steps 20000";
  }

  void AddOptions(CLI::App& app) override {
    app_ = &app;
    job_.AddTo(app);
  }
  int Run(const CommonOptions& common) override {
    RunTraining(job_, *app_, common);
    return StopStatus();
  }

 private:
  const CLI::App* app_ = nullptr;
  TrainingJob job_;
};

}  // namespace

std::unique_ptr<Command> MakeTrainCommand() { return std::make_unique<Train>(); }

}  // namespace colmatch
