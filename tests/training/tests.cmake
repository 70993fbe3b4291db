# The tests of training/, one program a room.
# The golden tensors and metrics.npz are deflated: zlib, which every development machine has.
find_package(ZLIB REQUIRED)
colmatch_test(training/compression TORCH
  SOURCES
    pruning_test.cc
    quantization_test.cc
    ../../torch_seed.cc
  LINK training_compression util network)
colmatch_test(training/data TORCH
  SOURCES
    camera_changes_test.cc
    descriptor_targets_test.cc
    device_images_test.cc
    feature_augmentation_test.cc
    feature_provenance_test.cc
    feature_set_test.cc
    ground_truth_test.cc
    homography_test.cc
    keypoint_labels_test.cc
    photometric_test.cc
    planar_scene_test.cc
    reconstruction_features_test.cc
    reconstruction_test.cc
    repeated_peaks_test.cc
    shards_test.cc
    split_test.cc
    superpoint_data_test.cc
    synthetic_shapes_test.cc
    warp_test.cc
    ../../torch_seed.cc
  LINK network training_data training_loop util)
colmatch_test(training/loop TORCH
  SOURCES
    checkpoint_test.cc
    distributed_test.cc
    killed_training_test.cc
    schedule_test.cc
    superglue_trainer_test.cc
    superpoint_trainer_test.cc
    train_loop_test.cc
    ../../network/npz_reader.cc
    ../../torch_seed.cc
  LINK network training_compression training_data training_loop util ZLIB::ZLIB)
colmatch_test(training/losses TORCH
  SOURCES
    descriptor_fit_test.cc
    mixed_precision_test.cc
    superglue_loss_test.cc
    superpoint_loss_test.cc
    ../../torch_seed.cc
  LINK network training_loop training_losses util)
