include(GNUInstallDirs)  # where what is installed goes: cmake/Install.cmake

# colmatch_module(NAME SOURCES ... [LINK ...] [TORCH]): one folder, one static library of the same name, with _ for /.
# With TORCH the precompiled LibTorch header of `network` is reused: LibTorch costs 30 s a file without it.
function(colmatch_module name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/colmatch>)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
  colmatch_compiler_options(${name})
  if(ARG_TORCH)
    colmatch_torch_pch(${name})
  endif()
endfunction()

function(colmatch_torch_pch target)
  if(target STREQUAL "network")
    target_precompile_headers(${target} PRIVATE <torch/torch.h>)
  else()
    # -fPIC as the libraries are built, not -fPIE: a header precompiled with the one is useless to the other.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
    target_precompile_headers(${target} REUSE_FROM network)
  endif()
endfunction()

# colmatch_test(FOLDER SOURCES ... LINK ... [TORCH]): the tests of one folder as one program, FOLDER_test with _ for /.
# With TORCH the precompiled LibTorch header is used, as in colmatch_module. Tests of plugin/ run the program, too.
function(colmatch_test folder)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINK" ${ARGN})
  string(REPLACE "/" "_" name ${folder}_test)
  set(sources)
  foreach(source ${ARG_SOURCES})
    list(APPEND sources ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/${source})
  endforeach()
  # A test file that no target compiles is text, not a test.
  file(GLOB found ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cc)
  foreach(source ${found})
    if(NOT source IN_LIST sources)
      message(FATAL_ERROR "${source} belongs to no target: add it to the tests.cmake of its folder")
    endif()
  endforeach()
  add_executable(${name} ${sources} ${CMAKE_CURRENT_SOURCE_DIR}/gtest_main.cc)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gmock)
  target_compile_definitions(${name} PRIVATE
    COLMATCH_SOURCE_DIR="${PROJECT_SOURCE_DIR}" COLMATCH_BINARY_DIR="${CMAKE_BINARY_DIR}")
  colmatch_compiler_options(${name})
  if(ARG_TORCH)
    colmatch_torch_pch(${name})
    set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/gtest_main.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  endif()
  if(folder MATCHES "^plugin/")
    add_dependencies(${name} colmatch)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${folder}/" DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 600)
endfunction()
