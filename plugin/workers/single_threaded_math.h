// Keeps the libraries from starting threads of their own while a pool of workers uses the cores.
#pragma once

namespace colmatch {

// The number of threads of one LibTorch operation (OpenMP) and of one OpenBLAS product, from now on; for the
// calling thread and for threads that are started later.
void SetMathThreads(int threads);

// While it lives, LibTorch and OpenBLAS compute each operation in the thread that calls it. Made before the
// workers are started, destroyed by the same thread after they ended.
class SingleThreadedMath {
 public:
  SingleThreadedMath();
  ~SingleThreadedMath();
  SingleThreadedMath(const SingleThreadedMath&) = delete;
  SingleThreadedMath& operator=(const SingleThreadedMath&) = delete;

 private:
  int threads_before_;
};

}  // namespace colmatch
