# A build by pip (pyproject.toml): chooses the LibTorch, and names every missing system package at once. Included after
# project(); where there is no compiler before it (PythonCompiler.cmake), when CMake knows no system's folders: they are named.
find_package(Python COMPONENTS Interpreter REQUIRED)
execute_process(COMMAND ${Python_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/python/torch_of_build.py
                OUTPUT_VARIABLE _torch_folder OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(_torch_folder)
  list(PREPEND CMAKE_PREFIX_PATH ${_torch_folder} ${_torch_folder}/share/cmake)
endif()

# Header or library, and Debian's package of it.
set(_needed
  opencv2/calib3d.hpp libopencv-dev  ceres/ceres.h libceres-dev  sqlite3.h libsqlite3-dev  zlib.h zlib1g-dev
  jpeglib.h libjpeg-dev  exiv2/exiv2.hpp libexiv2-dev  CLI/CLI.hpp libcli11-dev  spdlog/spdlog.h libspdlog-dev
  nlohmann/json.hpp nlohmann-json3-dev)
if(NOT _torch_folder)
  list(APPEND _needed torch/csrc/api/include/torch/torch.h libtorch-dev)
endif()
cmake_host_system_information(RESULT _processor QUERY OS_PLATFORM)
set(_missing ${COLMATCH_MISSING_COMPILER})
while(_needed)
  list(POP_FRONT _needed _header _package)
  string(MAKE_C_IDENTIFIER "COLMATCH_HAS_${_header}" _variable)
  find_path(${_variable} ${_header} HINTS ${COLMATCH_HEADERS} PATHS /usr/include /usr/local/include
            PATH_SUFFIXES opencv4 ${_processor}-linux-gnu)
  mark_as_advanced(${_variable})
  if(NOT ${_variable})
    list(APPEND _missing ${_package})
  endif()
endwhile()
if(NOT _torch_folder)
  find_library(COLMATCH_HAS_OPENBLAS NAMES libopenblas.so.0 PATHS /usr/lib/${_processor}-linux-gnu)
  mark_as_advanced(COLMATCH_HAS_OPENBLAS)
  if(NOT COLMATCH_HAS_OPENBLAS)
    list(APPEND _missing libopenblas0-pthread)
  endif()
endif()
find_program(COLMATCH_PKG_CONFIG NAMES pkg-config pkgconf)
if(NOT COLMATCH_PKG_CONFIG)
  list(APPEND _missing pkg-config)
endif()
execute_process(COMMAND ${Python_EXECUTABLE} -c "import sysconfig; print(sysconfig.get_path('include'))"
                OUTPUT_VARIABLE _python_headers OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(NOT EXISTS ${_python_headers}/Python.h)
  list(APPEND _missing python3-dev)
endif()
if(_missing)
  list(JOIN _missing " " _missing)
  set(_hint "")
  if(_missing MATCHES libtorch-dev)
    set(_hint "\nInstead of libtorch-dev and libopenblas0-pthread: pip install torch, in the environment that colmatch goes into.")
  endif()
  message(FATAL_ERROR "colmatch cannot be built: system packages are missing. Run\n  sudo apt-get install ${_missing}${_hint}")
endif()
