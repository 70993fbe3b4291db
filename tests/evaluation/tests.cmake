# The tests of evaluation/, which a build of the core alone does not have.
if(TARGET evaluation)
  colmatch_test(evaluation
    SOURCES
      auc_test.cc
      capacity_test.cc
      colmap_model_test.cc
      homography_estimation_test.cc
      homography_protocol_test.cc
      legacy_protocol_test.cc
      model_comparison_test.cc
      places_test.cc
      pose_pairs_test.cc
      pose_protocol_test.cc
      sequence_protocol_test.cc
      summary_test.cc
    LINK evaluation)
endif()
