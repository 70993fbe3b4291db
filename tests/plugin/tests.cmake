# The tests of plugin/, one program a room. The core alone has no photos and no database, which most of them are about.
if(NOT COLMATCH_CORE_ONLY)
  colmatch_test(plugin/cluster
    SOURCES
      cluster_test.cc
      large_merge_test.cc
      record_file_test.cc
      ../../torch_seed.cc
    LINK database_io plugin_cluster plugin_demo plugin_extraction util opencv_imgcodecs network)
  colmatch_test(plugin/commands
    SOURCES
      benchmark_command_test.cc
      cli_test.cc
      colmap_options_test.cc
      compare_runs_test.cc
      completion_test.cc
      compress_command_test.cc
      drop_in_test.cc
      faults_test.cc
      image_names_test.cc
      killed_run_test.cc
      pair_commands_test.cc
      shards_command_test.cc
      strangers_database_test.cc
      train_command_test.cc
      views_command_test.cc
      weights_match_test.cc
      write_faults_test.cc
      ../../torch_seed.cc
    LINK database_io geometry network network_formats plugin_commands plugin_demo plugin_experiments plugin_options plugin_pairs plugin_photos plugin_runtime training_compression training_data util nlohmann_json::nlohmann_json opencv_imgcodecs opencv_imgproc)
  colmatch_test(plugin/demo
    SOURCES
      demo_scene_test.cc
    LINK evaluation plugin_demo util opencv_imgproc)
  colmatch_test(plugin/doctor
    SOURCES
      doctor_test.cc
      ../../torch_seed.cc
    LINK database_io plugin_doctor plugin_runtime nlohmann_json::nlohmann_json network)
  colmatch_test(plugin/experiments TORCH
    SOURCES
      cached_features_test.cc
      layer_study_test.cc
      evaluate_test.cc
    LINK network network_kernels plugin_demo plugin_experiments plugin_runtime training_data util nlohmann_json::nlohmann_json opencv_imgcodecs opencv_imgproc)
  colmatch_test(plugin/extraction
    SOURCES
      camera_pycolmap_test.cc
      camera_test.cc
      colmap_convert_test.cc
      extract_photos_test.cc
      image_options_test.cc
      mask_test.cc
      photo_extractor_test.cc
      precision_choice_test.cc
      ../../torch_seed.cc
    LINK database_io geometry matcher plugin_demo plugin_extraction util opencv_imgcodecs network)
  colmatch_test(plugin/matching
    SOURCES
      matches_import_test.cc
      matching_provenance_test.cc
      pair_batch_test.cc
      pair_growth_test.cc
      pairs_test.cc
      provenance_test.cc
      retrieval_test.cc
      rotated_test.cc
      worker_count_test.cc
      ../../torch_seed.cc
    LINK database_io matcher network plugin_demo plugin_extraction plugin_matching plugin_pairs util opencv_core opencv_imgcodecs)
  colmatch_test(plugin/options
    SOURCES
      project_file_test.cc
      python_commands_test.cc
    LINK plugin_options util)
  colmatch_test(plugin/pairs
    SOURCES
      match_list_test.cc
      pair_blocks_test.cc
      pair_consistency_test.cc
      pair_order_test.cc
      sequential_pairs_test.cc
      spatial_pairs_test.cc
      transitive_pairs_test.cc
    LINK database_io plugin_pairs util)
  colmatch_test(plugin/photos
    SOURCES
      exif_test.cc
      image_reader_test.cc
      image_resize_test.cc
      list_images_test.cc
      tiff_test.cc
    LINK plugin_photos util opencv_imgcodecs opencv_imgproc)
  colmatch_test(plugin/reconstruction
    SOURCES
      batch_test.cc
      mapper_program_test.cc
      mapper_run_test.cc
      reconstruction_failure_test.cc
      reconstruction_test.cc
      report_pictures_test.cc
      ../../torch_seed.cc
    LINK plugin_demo plugin_reconstruction plugin_runtime util nlohmann_json::nlohmann_json opencv_imgcodecs network)
  colmatch_test(plugin/report
    SOURCES
      model_view_test.cc
      report_test.cc
    LINK plugin_report util opencv_imgcodecs opencv_imgproc)
  colmatch_test(plugin/runtime
    SOURCES
      available_cores_test.cc
      trace_test.cc
      weights_location_test.cc
    LINK network_formats plugin_runtime util nlohmann_json::nlohmann_json)
  colmatch_test(plugin/workers
    SOURCES
      device_threads_test.cc
      gpu_memory_test.cc
      shared_cache_test.cc
      ../../torch_seed.cc
    LINK plugin_workers util network)
  add_library(write_fault MODULE plugin/commands/write_fault.cc)
  colmatch_compiler_options(write_fault)
  target_compile_definitions(plugin_commands_test PRIVATE COLMATCH_WRITE_FAULT="$<TARGET_FILE:write_fault>")
endif()
