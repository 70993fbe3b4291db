# Every find_package of the project, and the two faults that would otherwise show only at run time.
if(COLMATCH_TORCH_WITHOUT_TOOLKIT)
  include(TorchWithoutToolkit)
else()
  find_package(Torch REQUIRED)
endif()
message(STATUS "LibTorch ${Torch_VERSION} from ${Torch_DIR}")

# Fault 1: two LibTorch installations, headers of one and library of the other: dies at start-up.
get_target_property(_torch_library torch IMPORTED_LOCATION)
if(NOT _torch_library)
  get_target_property(_torch_library torch IMPORTED_LOCATION_RELWITHDEBINFO)
endif()
if(NOT _torch_library)
  get_target_property(_torch_library torch IMPORTED_LOCATION_RELEASE)
endif()
get_filename_component(_torch_root_cfg "${Torch_DIR}" REALPATH)
string(REGEX REPLACE "/(share|lib(/[^/]*-linux-gnu)?)/cmake/Torch$" "" _torch_root_cfg "${_torch_root_cfg}")
foreach(_library "${_torch_library}" "${TORCH_LIBRARY}" "${c10_LIBRARY}")
  get_filename_component(_torch_root_lib "${_library}" REALPATH)
  string(REGEX REPLACE "/lib(/[^/]*-linux-gnu)?/[^/]*$" "" _torch_root_lib "${_torch_root_lib}")
  if(_library AND NOT _torch_root_lib STREQUAL _torch_root_cfg)
    message(FATAL_ERROR
      "Two LibTorch installations are mixed: the headers are ${_torch_root_cfg}'s, a library is ${_library}.\n"
      "The program would die at start-up. Put the wanted installation's own folder before its share/cmake:\n"
      "  -DCMAKE_PREFIX_PATH='<torch>;<torch>/share/cmake'   (or unset CMAKE_PREFIX_PATH for Debian's)")
  endif()
endforeach()

set(COLMATCH_TORCH_ROOT ${_torch_root_cfg})

# Fault 2: a slow BLAS. LibTorch 2.x from PyPI brings MKL inside; Debian's takes its matrix products from whatever the
# process finds first: the reference BLAS behind libblas.so.3 (five times slower), or ATLAS, which Ceres' own CMake
# files put on the link line (ten times slower). So OpenBLAS is requested, and linked before all others.
add_library(colmatch_blas INTERFACE)
if(_torch_root_cfg STREQUAL "/usr")
  find_library(COLMATCH_OPENBLAS NAMES libopenblas.so.0)
  if(NOT COLMATCH_OPENBLAS)
    message(FATAL_ERROR
      "LibTorch would use the reference BLAS: matrix products are five times slower than with OpenBLAS.\n"
      "Run: sudo apt-get install libopenblas0-pthread")
  endif()
  target_link_libraries(colmatch_blas INTERFACE -Wl,--no-as-needed ${COLMATCH_OPENBLAS} -Wl,--as-needed)
else()
  # The CUDA libraries are in packages of their own, which LibTorch finds by its own run path; a machine that only
  # builds need not have them.
  # PyPI's libtorch.so exports parts of std::filesystem that do not work alone: the system's comes before it.
  add_link_options(-Wl,--allow-shlib-undefined -Wl,--no-as-needed -lstdc++ -Wl,--as-needed)
endif()

# PyTorch 2.11's headers are C++20.
if(Torch_VERSION VERSION_GREATER_EQUAL 2.11)
  set(CMAKE_CXX_STANDARD 20)
endif()

# The header-only libraries: from the system's packages, or from one folder on a bare GPU machine.
if(COLMATCH_HEADERS)
  foreach(header CLI/CLI.hpp nlohmann/json.hpp spdlog/spdlog.h fmt/format.h)
    if(NOT EXISTS ${COLMATCH_HEADERS}/${header})
      message(FATAL_ERROR "COLMATCH_HEADERS=${COLMATCH_HEADERS} lacks ${header}; scripts/pack_headers.sh fills such a folder")
    endif()
  endforeach()
  add_library(CLI11::CLI11 INTERFACE IMPORTED)
  add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED)
  add_library(spdlog::spdlog_header_only INTERFACE IMPORTED)
  foreach(library CLI11::CLI11 nlohmann_json::nlohmann_json spdlog::spdlog_header_only)
    target_include_directories(${library} SYSTEM INTERFACE ${COLMATCH_HEADERS})
  endforeach()
  target_compile_definitions(spdlog::spdlog_header_only INTERFACE FMT_HEADER_ONLY SPDLOG_FMT_EXTERNAL)
else()
  find_package(CLI11 REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(spdlog REQUIRED)
endif()
find_package(Threads REQUIRED)

# Optional: training in several processes (training/loop/distributed.h).
if(_torch_root_cfg STREQUAL "/usr")
  find_path(COLMATCH_GLOO_HEADERS gloo/algorithm.h)
  find_library(COLMATCH_GLOO gloo)
  if(NOT COLMATCH_GLOO_HEADERS OR NOT COLMATCH_GLOO)
    set(COLMATCH_GLOO "")
    message(STATUS "without training in several processes: libgloo-dev is not installed")
  endif()
endif()

if(NOT COLMATCH_CORE_ONLY)
  find_package(OpenCV 4.5 REQUIRED COMPONENTS core imgproc imgcodecs calib3d features2d)
  find_package(Ceres REQUIRED)
  find_package(SQLite3 REQUIRED)
  find_package(ZLIB REQUIRED)
  find_package(JPEG REQUIRED)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(EXIV2 REQUIRED exiv2)
endif()
if(COLMATCH_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
