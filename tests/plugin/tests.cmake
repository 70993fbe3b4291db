# The tests of plugin/; those that run the program need it built. The core alone has no photos and no database, which
# most of them are about.
if(NOT COLMATCH_CORE_ONLY)
  colmatch_test(plugin
    SOURCES
      available_cores_test.cc
      batch_test.cc
      benchmark_command_test.cc
      camera_pycolmap_test.cc
      camera_test.cc
      cli_test.cc
      cluster_test.cc
      colmap_convert_test.cc
      colmap_options_test.cc
      compare_runs_test.cc
      completion_test.cc
      compress_command_test.cc
      demo_scene_test.cc
      depth_study_test.cc
      device_threads_test.cc
      doctor_test.cc
      drop_in_test.cc
      evaluate_test.cc
      exif_test.cc
      extract_photos_test.cc
      faults_test.cc
      gpu_memory_test.cc
      image_names_test.cc
      image_options_test.cc
      image_reader_test.cc
      killed_run_test.cc
      lru_cache_test.cc
      mask_test.cc
      match_list_test.cc
      matches_import_test.cc
      pair_batch_test.cc
      pair_blocks_test.cc
      pair_commands_test.cc
      pair_order_test.cc
      pairs_test.cc
      photo_extractor_test.cc
      precision_choice_test.cc
      project_file_test.cc
      python_commands_test.cc
      reconstruction_failure_test.cc
      record_file_test.cc
      reconstruction_test.cc
      report_test.cc
      retrieval_test.cc
      sequential_pairs_test.cc
      shards_command_test.cc
      shared_cache_test.cc
      spatial_pairs_test.cc
      strangers_database_test.cc
      train_command_test.cc
      trace_test.cc
      transitive_pairs_test.cc
      turned_test.cc
      two_view_bearings_test.cc
      two_view_geometry_test.cc
      two_view_pycolmap_test.cc
      views_command_test.cc
      weights_location_test.cc
      worker_count_test.cc
      write_faults_test.cc
      ../torch_seed.cc
    LINK plugin)
  add_library(write_fault MODULE plugin/write_fault.cc)
  colmatch_compiler_options(write_fault)
  target_compile_definitions(plugin_test PRIVATE COLMATCH_WRITE_FAULT="$<TARGET_FILE:write_fault>")
  add_dependencies(plugin_test colmatch write_fault)
endif()
