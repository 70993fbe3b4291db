# The tests of training/. metrics.npz is read back with the network tests' reader, which needs zlib.
find_package(ZLIB REQUIRED)
colmatch_test(training
  SOURCES
    data/camera_changes_test.cc
    loop/checkpoint_test.cc
    losses/descriptor_fit_test.cc
    data/descriptor_targets_test.cc
    data/device_images_test.cc
    loop/distributed_test.cc
    data/feature_augmentation_test.cc
    data/feature_provenance_test.cc
    data/feature_set_test.cc
    data/ground_truth_test.cc
    data/homography_test.cc
    data/keypoint_labels_test.cc
    loop/killed_training_test.cc
    losses/mixed_precision_test.cc
    ../util/npz_writer_test.cc
    data/photometric_test.cc
    data/planar_scene_test.cc
    compression/pruning_test.cc
    compression/quantization_test.cc
    ../util/random_test.cc
    data/reconstruction_features_test.cc
    data/reconstruction_test.cc
    loop/schedule_test.cc
    data/shards_test.cc
    data/split_test.cc
    losses/superglue_loss_test.cc
    loop/superglue_trainer_test.cc
    data/superpoint_data_test.cc
    losses/superpoint_loss_test.cc
    loop/superpoint_trainer_test.cc
    data/synthetic_shapes_test.cc
    loop/train_loop_test.cc
    data/warp_test.cc
    ../network/npz_reader.cc
    ../torch_seed.cc
  LINK training ZLIB::ZLIB)
colmatch_torch_pch(training_test)
foreach(torch_free camera_changes descriptor_targets homography photometric planar_scene reconstruction shards split synthetic_shapes warp)
  set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/training/data/${torch_free}_test.cc
    PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endforeach()
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/gtest_main.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
