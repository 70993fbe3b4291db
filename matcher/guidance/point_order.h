// Points in an order in which neighbours in the plane mostly follow each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colmatch {

// Puts the indices 0 .. n - 1 of points (x[i], y[i]) into order: cells of a square grid, about per_cell
// points each were they spread evenly, row by row, to and fro; by rising index within a cell. Points that are
// not finite come with those of the first cell.
class PointOrder {
 public:
  void Sort(const float* x, const float* y, int64_t n, int64_t per_cell);
  const std::vector<int32_t>& order() const { return order_; }

 private:
  std::vector<int32_t> order_, cells_, begins_;  // memory that is used again
};

}  // namespace colmatch
