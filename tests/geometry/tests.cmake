# The tests of geometry/, one program a room. The core alone has no photos and no database, which most of them are about.
if(NOT COLMATCH_CORE_ONLY)
  colmatch_test(geometry
    SOURCES
      two_view_bearings_test.cc
      two_view_geometry_test.cc
      two_view_pycolmap_test.cc
    LINK geometry util)
endif()
