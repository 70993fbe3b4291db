# colmatch_cuda_kernels(MODULE SOURCES ...): kernels in CUDA, which know nothing of LibTorch. Part of the module where
# LibTorch is a CUDA build. With COLMATCH_CHECK_CUDA they are compiled beside a CPU build too, to see that they do.
set(COLMATCH_HAS_CUDA OFF)
if(TARGET torch_cuda AND Torch_VERSION VERSION_GREATER_EQUAL 2.1)
  set(COLMATCH_HAS_CUDA ON)  # LibTorch's own CMake files have enabled the language ...
  string(REGEX REPLACE "-gencode arch=[^ ]*" "" CMAKE_CUDA_FLAGS "${CMAKE_CUDA_FLAGS}")  # ... with their architectures
elseif(COLMATCH_CHECK_CUDA)
  enable_language(CUDA)
endif()

function(colmatch_cuda_kernels module)
  if(NOT COLMATCH_HAS_CUDA AND NOT COLMATCH_CHECK_CUDA)
    return()
  endif()
  set(kernels ${module}_kernels)
  add_library(${kernels} OBJECT ${ARGN})
  target_include_directories(${kernels} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${kernels} PRIVATE COLMATCH_CUDA)
  # One code for each generation that nvcc knows, and the last one's for those to come.
  set_target_properties(${kernels} PROPERTIES CUDA_ARCHITECTURES all-major CUDA_STANDARD 17)
  if(COLMATCH_HAS_CUDA)
    target_sources(${module} PRIVATE $<TARGET_OBJECTS:${kernels}>)
    target_compile_definitions(${module} PRIVATE COLMATCH_CUDA)
    target_link_libraries(${module} PUBLIC CUDA::cudart_static)
  endif()
endfunction()
