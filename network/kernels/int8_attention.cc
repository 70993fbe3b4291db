// Fused attention with integer products; see int8_attention.h.
#include "network/kernels/int8_attention.h"

#include <algorithm>
#include <limits>

#define COLMATCH_KERNEL "network/kernels/int8_attention-inl.h"
#define COLMATCH_KERNEL_IN_BF16
#include "network/kernels/foreach_simd.h"

namespace colmatch {

void PackKeys(const Bf16HeadShape& shape, const Bf16* keys, int64_t stride, Int8Keys& packed) {
  const int64_t padded = Bf16HeadShape::RoundUp(shape.keys);
  packed.codes.assign(static_cast<size_t>(padded * shape.ValueStride()), 0);
  packed.offsets.assign(static_cast<size_t>(padded), 0);
  packed.scales.assign(static_cast<size_t>(padded), 0);
  ForBf16Path(BestBf16Path(), x4::PackIntegers, x8::PackIntegers, x16::PackIntegers, xbf16::PackIntegers)(
      shape, keys, stride, packed);
}

void PackValues(const Bf16HeadShape& shape, const Bf16* values, int64_t stride, Int8Values& packed) {
  const auto channels = static_cast<size_t>(shape.ValueStride());
  packed.codes.assign(static_cast<size_t>(shape.PackedValues()), 0);
  packed.mean.assign(channels, 0);
  packed.scales.assign(channels, 0);
  ForBf16Path(BestBf16Path(), x4::PackIntegerValues, x8::PackIntegerValues, x16::PackIntegerValues,
              xbf16::PackIntegerValues)(shape, values, stride, packed);
}

void AttendInt8(Bf16Path path, const Bf16HeadShape& shape, const Bf16* queries, int64_t n,
                int64_t query_stride, const Int8Keys& keys, const Int8Values& values, Bf16* messages,
                int64_t message_stride) {
  ForBf16Path(path, x4::AttendIntegers, x8::AttendIntegers, x16::AttendIntegers, xbf16::AttendIntegers)(
      shape, queries, n, query_stride, keys, values, messages, message_stride);
}

}  // namespace colmatch
