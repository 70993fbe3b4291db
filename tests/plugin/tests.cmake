# The tests of plugin/; those that run the program need it built. The core alone has no photos and no database, which
# most of them are about.
if(NOT COLMATCH_CORE_ONLY)
  colmatch_test(plugin
    SOURCES
      runtime/available_cores_test.cc
      reconstruction/batch_test.cc
      commands/benchmark_command_test.cc
      ../geometry/camera_pycolmap_test.cc
      ../geometry/camera_test.cc
      commands/cli_test.cc
      cluster/cluster_test.cc
      extraction/colmap_convert_test.cc
      commands/colmap_options_test.cc
      commands/compare_runs_test.cc
      options/completion_test.cc
      commands/compress_command_test.cc
      demo/demo_scene_test.cc
      experiments/depth_study_test.cc
      workers/device_threads_test.cc
      doctor/doctor_test.cc
      commands/drop_in_test.cc
      experiments/evaluate_test.cc
      photos/exif_test.cc
      extraction/extract_photos_test.cc
      commands/faults_test.cc
      workers/gpu_memory_test.cc
      ../util/image_names_test.cc
      extraction/image_options_test.cc
      photos/image_reader_test.cc
      commands/killed_run_test.cc
      ../util/lru_cache_test.cc
      extraction/mask_test.cc
      pairs/match_list_test.cc
      matching/matches_import_test.cc
      matching/pair_batch_test.cc
      pairs/pair_blocks_test.cc
      commands/pair_commands_test.cc
      pairs/pair_order_test.cc
      matching/pairs_test.cc
      extraction/photo_extractor_test.cc
      extraction/precision_choice_test.cc
      options/project_file_test.cc
      reconstruction/reconstruction_failure_test.cc
      cluster/record_file_test.cc
      reconstruction/reconstruction_test.cc
      report/report_test.cc
      matching/retrieval_test.cc
      pairs/sequential_pairs_test.cc
      commands/shards_command_test.cc
      workers/shared_cache_test.cc
      pairs/spatial_pairs_test.cc
      commands/strangers_database_test.cc
      commands/train_command_test.cc
      runtime/trace_test.cc
      pairs/transitive_pairs_test.cc
      matching/turned_test.cc
      ../geometry/two_view_bearings_test.cc
      ../geometry/two_view_geometry_test.cc
      ../geometry/two_view_pycolmap_test.cc
      commands/views_command_test.cc
      runtime/weights_location_test.cc
      matching/worker_count_test.cc
      commands/write_faults_test.cc
      ../torch_seed.cc
    LINK plugin)
  add_library(write_fault MODULE plugin/write_fault.cc)
  colmatch_compiler_options(write_fault)
  target_compile_definitions(plugin_test PRIVATE COLMATCH_WRITE_FAULT="$<TARGET_FILE:write_fault>")
  add_dependencies(plugin_test colmatch write_fault)
endif()
