# The tests of training/. metrics.npz is read back with the network tests' reader, which needs zlib.
find_package(ZLIB REQUIRED)
colmatch_test(training
  SOURCES
    camera_changes_test.cc
    checkpoint_test.cc
    descriptor_fit_test.cc
    descriptor_targets_test.cc
    device_images_test.cc
    distributed_test.cc
    feature_augmentation_test.cc
    feature_provenance_test.cc
    feature_set_test.cc
    ground_truth_test.cc
    homography_test.cc
    keypoint_labels_test.cc
    killed_training_test.cc
    mixed_precision_test.cc
    npz_writer_test.cc
    photometric_test.cc
    planar_scene_test.cc
    pruning_test.cc
    quantization_test.cc
    random_test.cc
    reconstruction_features_test.cc
    reconstruction_test.cc
    schedule_test.cc
    shards_test.cc
    split_test.cc
    superglue_loss_test.cc
    superglue_trainer_test.cc
    superpoint_data_test.cc
    superpoint_loss_test.cc
    superpoint_trainer_test.cc
    synthetic_shapes_test.cc
    train_loop_test.cc
    warp_test.cc
    ../network/npz_reader.cc
    ../torch_seed.cc
  LINK training ZLIB::ZLIB)
colmatch_torch_pch(training_test)
foreach(torch_free camera_changes descriptor_targets homography photometric planar_scene random reconstruction schedule shards split synthetic_shapes warp)
  set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/training/${torch_free}_test.cc
    PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endforeach()
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/gtest_main.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
