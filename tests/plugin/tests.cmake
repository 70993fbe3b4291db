# The tests of plugin/. Those that run the program need it built.
colmatch_test(plugin
  SOURCES
    camera_test.cc
    cli_test.cc
    colmap_convert_test.cc
    demo_scene_test.cc
    exif_test.cc
    image_reader_test.cc
    pairs_test.cc
    project_file_test.cc
    reconstruction_test.cc
    report_test.cc
    two_view_geometry_test.cc
    two_view_pycolmap_test.cc
    weights_location_test.cc
    ../torch_seed.cc
  LINK plugin)
add_dependencies(plugin_test colmatch)
