// Points by their place; see point_order.h.
#include "matcher/guidance/point_order.h"

#include <algorithm>
#include <cmath>

namespace colmatch {

void PointOrder::Sort(const float* x, const float* y, int64_t n, int64_t per_cell) {
  order_.resize(static_cast<size_t>(n));
  if (n == 0) return;
  const auto [left, right] = std::minmax_element(x, x + n);
  const auto [top, bottom] = std::minmax_element(y, y + n);
  const double width = *right - *left, height = *bottom - *top;
  const double cells = std::max<double>(1, static_cast<double>(n) / static_cast<double>(per_cell));
  const double side = std::max({std::sqrt(width * height / cells), width / cells, height / cells, 1e-3});
  const auto cell_of = [&](float offset, int64_t most) {
    const double cell = offset / side;
    return cell > 0 && cell < 1e9 ? std::min(static_cast<int64_t>(cell), most) : 0;
  };
  const int64_t columns = cell_of(static_cast<float>(width), n) + 1,
                rows = cell_of(static_cast<float>(height), n) + 1;
  cells_.resize(static_cast<size_t>(n));
  begins_.assign(static_cast<size_t>(columns * rows + 1), 0);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t row = cell_of(y[i] - *top, rows - 1), column = cell_of(x[i] - *left, columns - 1);
    const int64_t cell = row * columns + (row % 2 == 0 ? column : columns - 1 - column);
    cells_[static_cast<size_t>(i)] = static_cast<int32_t>(cell);
    ++begins_[static_cast<size_t>(cell + 1)];
  }
  for (size_t c = 1; c < begins_.size(); ++c) begins_[c] += begins_[c - 1];
  for (int64_t i = 0; i < n; ++i) {
    const auto cell = static_cast<size_t>(cells_[static_cast<size_t>(i)]);
    order_[static_cast<size_t>(begins_[cell]++)] = static_cast<int32_t>(i);
  }
}

}  // namespace colmatch
