# The tests of evaluation/, which a build of the core alone does not have.
if(TARGET evaluation)
  colmatch_test(evaluation
    SOURCES
      auc_test.cc
      colmap_model_test.cc
      homography_metrics_test.cc
      model_comparison_test.cc
    LINK evaluation)
endif()
