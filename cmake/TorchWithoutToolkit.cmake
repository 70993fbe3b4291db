# PyPI's torch is a build for CUDA, and its TorchConfig.cmake ends where there is no CUDA toolkit, as on most machines with
# `pip install torch`. What uses torch on CPUs needs none: here are the target and the variables of TorchConfig.cmake for the
# folder COLMATCH_TORCH_FOLDER. Without the toolkit our CUDA kernels are left out (CudaKernels.cmake).
set(Torch_DIR ${COLMATCH_TORCH_FOLDER}/share/cmake/Torch)
file(STRINGS ${COLMATCH_TORCH_FOLDER}/version.py _version REGEX "^__version__")
string(REGEX MATCH "[0-9]+(\\.[0-9]+)*" Torch_VERSION "${_version}")
if(Torch_VERSION VERSION_LESS 2.7)
  message(FATAL_ERROR
    "torch ${Torch_VERSION} in ${COLMATCH_TORCH_FOLDER} has the old C++ ABI of PyPI's packages before 2.7, the system's "
    "libraries have the new one.\nInstall torch 2.7 or later, or build against the system's LibTorch: COLMATCH_TORCH=system pip install .")
endif()

find_library(c10_LIBRARY c10 PATHS ${COLMATCH_TORCH_FOLDER}/lib NO_DEFAULT_PATH REQUIRED)
find_library(TORCH_CPU_LIBRARY torch_cpu PATHS ${COLMATCH_TORCH_FOLDER}/lib NO_DEFAULT_PATH REQUIRED)
find_library(TORCH_LIBRARY torch PATHS ${COLMATCH_TORCH_FOLDER}/lib NO_DEFAULT_PATH REQUIRED)
set(TORCH_INCLUDE_DIRS ${COLMATCH_TORCH_FOLDER}/include ${COLMATCH_TORCH_FOLDER}/include/torch/csrc/api/include)
add_library(torch SHARED IMPORTED)
set_target_properties(torch PROPERTIES IMPORTED_LOCATION ${TORCH_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES "${TORCH_INCLUDE_DIRS}")
# libtorch.so itself has no symbols of ours: it is what loads LibTorch's GPU operators.
set(TORCH_LIBRARIES torch -Wl,--no-as-needed ${TORCH_LIBRARY} ${TORCH_CPU_LIBRARY} -Wl,--as-needed ${c10_LIBRARY})
message(STATUS "no CUDA toolkit (nvcc): colmatch's own kernels for GPUs are left out")
