// The options of a training; see training_job.h.
#include "plugin/experiments/cached_features.h"
#include "plugin/experiments/training_job.h"
#include "plugin/experiments/training_machine.h"
#include "plugin/options/network_options.h"
#include "plugin/runtime/command.h"

namespace colmatch {
namespace {

void AddDetectorTraining(CLI::App& app, TrainingJob& job) {
  auto& o = job.superpoint;
  AddOption(app, "--SuperPoint.encoder_widths", o.architecture.encoder_widths,
            "channels of conv1 conv2 conv3 conv4; with --initial its own or wider ones")
      ->delimiter(',');
  AddOption(app, "--SuperPoint.head_width", o.architecture.head_width, "channels of convPa and convDa");
  AddPlaceRadius(app, o.architecture.place_radius, "with --initial its own");
  AddScales(app, o.architecture.scales, "1; with --initial its own");
  AddOption(app, "--SuperPoint.descriptor_dim", o.architecture.descriptor_dim, "descriptor channels");
  AddOption(app, "--SuperPoint.labels", job.label_source,
            "repeated: peaks of the Hessian that both views show; shards: those of prepare_shards")
      ->check(CLI::IsMember({"repeated", "shards"}));
  AddOption(app, "--SuperPoint.max_peaks_per_cell", o.data.max_peaks_per_cell,
            "strongest peaks of a view, a cell of 8 x 8 pixels");
  AddOption(app, "--SuperPoint.repeated_px", o.data.repeated_px, "largest distance of a repeated peak");
  AddOption(app, "--SuperPoint.patch_width", o.data.patch_width, "training picture, pixels, a multiple of 8");
  AddOption(app, "--SuperPoint.patch_height", o.data.patch_height,
            "training picture, pixels, a multiple of 8");
  AddOption(app, "--SuperPoint.batch_size", o.data.batch_size, "pairs of pictures a step");
  AddOption(app, "--SuperPoint.num_correspondences", o.data.num_correspondences, "points a pair");
  AddOption(app, "--SuperPoint.min_region", o.data.min_region,
            "least share of the photo's side that a pair looks at");
  AddOption(app, "--SuperPoint.max_region", o.data.max_region, "largest share");
  AddOption(app, "--SuperPoint.difficulty", o.data.homography.difficulty, "of the homographies, 0 to 1");
  AddOption(app, "--SuperPoint.max_angle", o.data.homography.max_angle_deg,
            "in-plane rotation, degrees, times the difficulty");
  AddOption(app, "--SuperPoint.camera_changes", o.data.camera.probability,
            "share of the pictures changed as other cameras and hours do: response, haze, night, motion, "
            "compression")
      ->check(CLI::Range(0.0, 1.0));
  AddOption(app, "--SuperPoint.targets", job.target_paths,
            "files of a teacher's descriptors (scripts/teach_descriptors.py) that are learned too; photos "
            "without any are left out");
  AddOption(app, "--SuperPoint.target_weight", o.loss.target_weight,
            "of the loss against the teacher's descriptors")
      ->check(CLI::Range(0.0, 1000.0));
  AddOption(app, "--SuperPoint.target_share", o.data.target_share,
            "of the points of a pair that are the teacher's")
      ->check(CLI::Range(0.0, 1.0));
  AddOption(app, "--SuperPoint.images_on_device", job.images_on_device,
            "warps and augmentation where the network is: auto (on a GPU), on, off")
      ->check(CLI::IsMember({"auto", "on", "off"}));
  AddOption(app, "--SuperPoint.curriculum_share", job.superpoint.curriculum_share,
            "of the steps over which the homographies become harder");
  AddOption(app, "--SuperPoint.detector_weight", o.loss.detector_weight, "of the detector's loss");
  AddOption(app, "--SuperPoint.near_negatives", o.loss.near_negatives,
            "places beside each point that its descriptor learns to tell from it; 0: none")
      ->check(CLI::Range(0, 64));
  AddOption(app, "--SuperPoint.temperature", o.loss.temperature, "of the descriptors' softmax");
}

void AddMatcherTraining(CLI::App& app, TrainingJob& job) {
  auto& o = job.superglue;
  AddOption(app, "--superpoint", job.superpoint_path,
            "frozen SuperPoint whose features SuperGlue learns to match");
  AddOption(app, "--features", job.features_path,
            "file that keeps these features between runs; made if it is missing");
  AddOption(app, "--views", job.view_paths,
            "reconstructed scenes of `colmatch prepare_views`: pairs of real photos beside the warps");
  AddOption(app, "--view_features", job.view_features_path, "as --features, for --views");
  AddOption(app, "--SuperGlue.groups_per_view", job.view_features.groups_per_view,
            "groups of views_per_photo photos of one scene that each photo starts");
  AddOption(app, "--SuperGlue.num_layer_pairs", o.architecture.num_layer_pairs,
            "depth: pairs of a self and a cross layer; with --initial its own or more");
  AddOption(app, "--SuperGlue.keypoint_encoder", o.architecture.keypoint_encoder, "hidden widths")
      ->delimiter(',');
  AddOption(
      app, "--SuperGlue.keypoint_octaves", job.keypoint_octaves,
      "wavelengths of a fixed code of positions before the keypoint encoder's last layer; 0: all of it is "
      "learned")
      ->check(CLI::IsMember({0, 4, 5, 6, 7, 8, 9}));
  AddOption(app, "--SuperGlue.batch_size", o.batch_size, "pairs a step");
  AddOption(app, "--SuperGlue.min_keypoints", o.min_keypoints, "least number of keypoints of a step");
  AddOption(app, "--SuperGlue.max_keypoints", o.max_keypoints, "largest number of keypoints of a step");
  AddOption(app, "--SuperGlue.negative_share", o.negative_share,
            "of the pairs, of two photos: shows it that there may be nothing to match");
  AddOption(app, "--SuperGlue.augmentation", o.augmentation,
            "random displacement of each view's keypoints, some left out; 0: none, 1: strong")
      ->check(CLI::Range(0.0, 10.0));
  AddOption(app, "--SuperGlue.descriptor_rotation", o.descriptor_rotation,
            "random rotations of the descriptors' space, a batch, radians: photos are not memorised")
      ->check(CLI::Range(0.0, 10.0));
  AddOption(app, "--SuperGlue.descriptor_noise", o.descriptor_noise,
            "length of the random vectors added to descriptors")
      ->check(CLI::Range(0.0, 10.0));
  AddOption(app, "--SuperGlue.train_sinkhorn_iterations", o.sinkhorn_iterations, "in training");
  AddOption(app, "--SuperGlue.sinkhorn_iterations", o.architecture.sinkhorn_iterations,
            "that the weights will specify; with --initial its own");
  AddOption(app, "--SuperGlue.guidance_rounds", o.architecture.guidance_rounds,
            "that the weights will specify (docs/engine.md); with --initial its own");
  AddOption(app, "--SuperGlue.deep_supervision", o.deep_supervision, "weight of the losses of inner layers");
  AddOption(
      app, "--SuperGlue.calibration_recall", o.calibration_recall,
      "at the end the dustbin rises while recall stays this many times mutual nearest neighbours'; 0: no");
  AddOption(app, "--SuperGlue.initial_gain", o.initial_gain,
            "coupling score of equal descriptors at the start");
  AddFeatureSetOptions(app, job.feature_set);
  AddOption(app, "--SuperGlue.difficulty", job.feature_set.homography.difficulty,
            "of the homographies, 0 to 1");
  AddOption(app, "--SuperGlue.max_angle", job.feature_set.homography.max_angle_deg,
            "in-plane rotation of the homographies, degrees, times their difficulty");
}

}  // namespace

void TrainingJob::AddTo(CLI::App& app) {
  AddOption(app, "network", network, "magicpoint, superpoint or superglue")
      ->required()
      ->check(CLI::IsMember({"magicpoint", "superpoint", "superglue"}));
  AddOption(app, "--shards", shards, "training shards of `colmatch prepare_shards`; magicpoint needs none");
  AddOption(app, "--output", loop.run_folder, "run folder: checkpoint, weights, log.txt, metrics.npz")
      ->required();
  app.add_flag("--resume", loop.resume, "go on from the checkpoint in the run folder");
  AddOption(app, "--num_steps", loop.schedule.num_steps, "optimiser steps in all");
  AddOption(app, "--learning_rate", loop.schedule.learning_rate, "highest, after warm-up");
  AddOption(app, "--warmup_steps", loop.schedule.warmup_steps, "steps of linear warm-up");
  AddOption(app, "--weight_decay", loop.weight_decay, "AdamW's");
  AddOption(app, "--clip_norm", loop.clip_norm, "a longer gradient is shortened to this norm");
  AddOption(app, "--batches_per_step", loop.batches_per_step,
            "batches whose gradients are averaged; processes started by torchrun share them")
      ->check(CLI::Range(1, 1 << 20));
  AddOption(app, "--patience", loop.patience,
            "stop after so many validations without a lower loss, and keep the best network; 0: never");
  app.add_flag("--fixed_batch", loop.fixed_batch,
               "every step takes the first batch: shows what preparing data costs");
  AddOption(app, "--log_every", loop.log_every, "steps");
  AddOption(app, "--checkpoint_every", loop.checkpoint_every, "steps");
  AddOption(app, "--validate_every", loop.validate_every, "steps; 0: never");
  AddNumWorkers(app, num_workers);
  AddOption(app, "--initial", initial_path, "weights to go on from instead of a fresh start");
  AddOption(app, "--teacher", teacher_path,
            "weights of a larger network of the same kind and descriptors, whose answers are followed too");
  AddOption(app, "--teacher_weight", teacher_weight, "of those answers beside the labels, 0 to 1")
      ->check(CLI::Range(0.0, 1.0));
  AddOption(app, "--metadata", metadata,
            "KEY=VALUE lines for the weights' card (licence, training_data, ...)");
  AddDetectorTraining(app, *this);
  AddMatcherTraining(app, *this);
}

}  // namespace colmatch
