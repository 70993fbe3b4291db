// The options of a training; see training_job.h.
#include "network/keypoints.h"
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
  AddOption(app, o.architecture.place_radius, KeypointOptions::kPlaceRadius, "with --initial its own");
  AddScales(app, o.architecture.scales, "1; with --initial its own");
  AddOption(app, "--SuperPoint.descriptor_dim", o.architecture.descriptor_dim, "descriptor channels");
  AddOption(app, "--SuperPoint.labels", job.label_source,
            "repeated: peaks of the Hessian that both views show; shards: those of prepare_shards")
      ->check(CLI::IsMember({"repeated", "shards"}));
  AddOption(app, "--SuperPoint.max_peaks_per_cell", o.data.max_peaks_per_cell,
            "maximum number of peaks of a view per cell of 8 x 8 pixels; the strongest are used");
  AddOption(app, "--SuperPoint.repeated_px", o.data.repeated_px,
            "maximum distance between the two views' peaks of a repeated label, pixels");
  AddOption(app, "--SuperPoint.patch_width", o.data.patch_width, "training picture, pixels, a multiple of 8");
  AddOption(app, "--SuperPoint.patch_height", o.data.patch_height,
            "training picture, pixels, a multiple of 8");
  AddOption(app, "--SuperPoint.batch_size", o.data.batch_size, "pairs of pictures per step");
  AddOption(app, "--SuperPoint.num_correspondences", o.data.num_correspondences,
            "number of corresponding points per pair");
  AddOption(app, "--SuperPoint.min_region", o.data.min_region,
            "minimum share of the photo's side that a training picture covers");
  AddOption(app, "--SuperPoint.max_region", o.data.max_region,
            "maximum share of the photo's side that a training picture covers");
  AddOption(app, "--SuperPoint.difficulty", o.data.homography.difficulty,
            "difficulty of the homographies, 0 to 1");
  AddOption(app, "--SuperPoint.max_angle", o.data.homography.max_angle_deg,
            "maximum in-plane rotation of the homographies, degrees, times the difficulty");
  AddOption(app, "--SuperPoint.camera_changes", o.data.camera.probability,
            "share of the pictures changed as other cameras and hours do: response, haze, night, motion, "
            "compression",
            {0.0, 1.0});
  AddOption(app, "--SuperPoint.targets", job.target_paths,
            "files of a teacher's descriptors (scripts/teach_descriptors.py) that are learned too; photos "
            "without any are left out");
  AddOption(app, "--SuperPoint.target_weight", o.loss.target_weight,
            "weight of the loss against the teacher's descriptors", {0.0, 1000.0});
  AddOption(app, "--SuperPoint.target_share", o.data.target_share,
            "share of a pair's points that have the teacher's descriptors as target", {0.0, 1.0});
  AddOption(app, "--SuperPoint.images_on_device", job.images_on_device,
            "warps and augmentation where the network is: auto (on a GPU), on, off")
      ->check(CLI::IsMember({"auto", "on", "off"}));
  AddOption(app, "--SuperPoint.curriculum_share", job.superpoint.curriculum_share,
            "share of the steps over which the homographies become harder");
  AddOption(app, "--SuperPoint.detector_weight", o.loss.detector_weight, "weight of the detector's loss");
  AddOption(app, "--SuperPoint.near_negatives", o.loss.near_negatives,
            "number of places beside each point from which its descriptor learns to differ; 0: none",
            {0, 64});
  AddOption(app, "--SuperPoint.temperature", o.loss.temperature, "temperature of the descriptors' softmax");
}

void AddMatcherTraining(CLI::App& app, TrainingJob& job) {
  auto& o = job.superglue;
  AddOption(app, "--superpoint", job.superpoint_path,
            "frozen SuperPoint whose features SuperGlue learns to match");
  AddOption(app, "--features", job.features_path,
            "file that keeps the features of --shards between runs; created if it is missing");
  AddOption(app, "--views", job.view_paths,
            "reconstructed scenes of `colmatch prepare_views`: pairs of real photos beside the warps");
  AddOption(app, "--view_features", job.view_features_path,
            "file that keeps the features of --views between runs; created if it is missing");
  AddOption(app, "--SuperGlue.groups_per_view", job.view_features.groups_per_view,
            "number of groups of views_per_photo photos of one scene that are drawn for each photo");
  AddOption(app, "--SuperGlue.num_layer_pairs", o.architecture.num_layer_pairs,
            "depth: pairs of a self and a cross layer; with --initial its own or more");
  AddOption(app, "--SuperGlue.keypoint_encoder", o.architecture.keypoint_encoder,
            "hidden widths of the keypoint encoder")
      ->delimiter(',');
  AddOption(
      app, "--SuperGlue.keypoint_octaves", job.keypoint_octaves,
      "wavelengths of a fixed code of positions before the keypoint encoder's last layer; 0: all of it is "
      "learned")
      ->check(CLI::IsMember({0, 4, 5, 6, 7, 8, 9}));
  AddOption(app, "--SuperGlue.batch_size", o.batch_size, "pairs per step");
  AddOption(app, "--SuperGlue.min_keypoints", o.min_keypoints,
            "minimum number of keypoints per image in a step");
  AddOption(app, "--SuperGlue.max_keypoints", o.max_keypoints,
            "maximum number of keypoints per image in a step");
  AddOption(app, "--SuperGlue.negative_share", o.negative_share,
            "share of the pairs that show two different photos, which have nothing to match");
  AddOption(app, "--SuperGlue.augmentation", o.augmentation,
            "strength of the random displacement and removal of keypoints; 0: none, 1: strong", {0.0, 10.0});
  AddOption(
      app, "--SuperGlue.descriptor_rotation", o.descriptor_rotation,
      "random rotation of the descriptors' space in each batch, radians, so that photos are not memorised",
      {0.0, 10.0});
  AddOption(app, "--SuperGlue.descriptor_noise", o.descriptor_noise,
            "length of the random vectors that are added to descriptors", {0.0, 10.0});
  AddOption(app, "--SuperGlue.train_sinkhorn_iterations", o.sinkhorn_iterations,
            "iterations of optimal transport in training");
  AddOption(app, "--SuperGlue.sinkhorn_iterations", o.architecture.sinkhorn_iterations,
            "iterations of optimal transport that the weights will specify; with --initial its own");
  AddOption(app, "--SuperGlue.guidance_rounds", o.architecture.guidance_rounds,
            "rounds of guidance that the weights will specify (docs/engine.md); with --initial its own");
  AddOption(app, "--SuperGlue.deep_supervision", o.deep_supervision, "weight of the losses of inner layers");
  AddOption(app, "--SuperGlue.calibration_recall", o.calibration_recall,
            "factor of mutual nearest neighbours' recall down to which the dustbin's score is raised after "
            "training; 0: it is not raised");
  AddOption(app, "--SuperGlue.initial_gain", o.initial_gain,
            "coupling score of equal descriptors before the first step");
  AddFeatureSetOptions(app, job.feature_set);
  AddOption(app, "--SuperGlue.difficulty", job.feature_set.homography.difficulty,
            "difficulty of the homographies, 0 to 1");
  AddOption(app, "--SuperGlue.max_angle", job.feature_set.homography.max_angle_deg,
            "maximum in-plane rotation of the homographies, degrees, times the difficulty");
}

}  // namespace

void TrainingJob::AddTo(CLI::App& app) {
  AddOption(app, "network", network, "magicpoint, superpoint or superglue")
      ->required()
      ->check(CLI::IsMember({"magicpoint", "superpoint", "superglue"}));
  AddOption(app, "--shards", shards, "training shards of `colmatch prepare_shards`; magicpoint needs none");
  AddOption(app, "--output", loop.run_folder, "run folder, with checkpoint, weights, log.txt and metrics.npz")
      ->required();
  app.add_flag("--resume", loop.resume, "go on from the checkpoint in the run folder");
  AddOption(app, "--num_steps", loop.schedule.num_steps, "total number of optimiser steps");
  AddOption(app, "--learning_rate", loop.schedule.learning_rate,
            "highest learning rate, reached after warm-up");
  AddOption(app, "--warmup_steps", loop.schedule.warmup_steps, "number of steps of linear warm-up");
  AddOption(app, "--weight_decay", loop.weight_decay, "weight decay of AdamW");
  AddOption(app, "--clip_norm", loop.clip_norm, "maximum norm of the gradient; a longer one is scaled to it");
  AddOption(app, "--batches_per_step", loop.batches_per_step,
            "batches whose gradients are averaged; processes started by torchrun share them", {1, 1 << 20});
  AddOption(app, "--patience", loop.patience,
            "number of validations without a lower loss after which training stops and the best network is "
            "kept; 0: never");
  app.add_flag("--fixed_batch", loop.fixed_batch,
               "use the first batch in every step, to measure what preparing data costs");
  AddOption(app, "--log_every", loop.log_every, "number of steps between lines of the log");
  AddOption(app, "--checkpoint_every", loop.checkpoint_every, "number of steps between checkpoints");
  AddOption(app, "--validate_every", loop.validate_every, "number of steps between validations; 0: never");
  AddNumWorkers(app, num_workers);
  AddOption(app, "--initial", initial_path, "weights to start from, instead of random ones");
  AddOption(app, "--teacher", teacher_path,
            "weights of a larger network of the same kind and descriptors, whose answers are followed too");
  AddOption(app, "--teacher_weight", teacher_weight,
            "weight of the teacher's answers relative to the labels, 0 to 1", {0.0, 1.0});
  AddOption(app, "--metadata", metadata,
            "KEY=VALUE lines for the weights' card (licence, training_data, ...)");
  AddDetectorTraining(app, *this);
  AddMatcherTraining(app, *this);
}

}  // namespace colmatch
