# One function: language level, warnings and sanitizers on a target of ours.
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_STANDARD 17)  # Dependencies.cmake raises it where LibTorch's headers ask for more.
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers need the two sloppiness flags, or ccache never hits.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
endif()

if(COLMATCH_SANITIZE)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS -fsanitize=${COLMATCH_SANITIZE})
  set(CMAKE_REQUIRED_LINK_OPTIONS -fsanitize=${COLMATCH_SANITIZE})
  check_cxx_source_compiles("int main() { return 0; }" COLMATCH_SANITIZER_RUNTIME_FOUND)
  unset(CMAKE_REQUIRED_FLAGS)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  if(NOT COLMATCH_SANITIZER_RUNTIME_FOUND)
    message(FATAL_ERROR "COLMATCH_SANITIZE=${COLMATCH_SANITIZE}: ${CMAKE_CXX_COMPILER} cannot link it. For clang 14 on Debian: "
                        "apt-get install libclang-rt-14-dev; on Debian 13, libclang-rt-19-dev")
  endif()
endif()

function(colmatch_compiler_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-unused-parameter)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  endif()
  if(COLMATCH_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(COLMATCH_SANITIZE)
    # Without no-sanitize-recover UBSan prints and goes on, and no test fails.
    target_compile_options(${target} PRIVATE
      -fsanitize=${COLMATCH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${COLMATCH_SANITIZE})
  endif()
endfunction()
