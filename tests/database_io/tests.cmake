# The tests of database_io/, which a build of the core alone does not have: no LibTorch. The judges run `colmap` and, if
# COLMATCH_PYCOLMAP_PYTHON names it, pycolmap.
if(TARGET database_io)
  colmatch_test(database_io
    SOURCES
      blob_test.cc
      colmap_database_test.cc
      colmap_judge_test.cc
      crash_test.cc
      damaged_files_test.cc
      lying_rows_test.cc
      merge_databases_test.cc
      pairs_test.cc
      pycolmap_judge_test.cc
      schema_test.cc
      selection_test.cc
      sqlite_test.cc
      two_view_geometry_test.cc
    LINK database_io nlohmann_json::nlohmann_json)
endif()
