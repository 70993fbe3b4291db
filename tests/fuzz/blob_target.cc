// Blobs of COLMAP's rows, with the sizes the row claims: database_io/blob.h.
#include "database_io/blob.h"
#include "tests/fuzz/fuzz_target.h"

namespace colmatch {
namespace {

void DecodeAs(uint8_t kind, int64_t rows, int64_t cols, std::string_view bytes) {
  const RowName row{"fuzz", 1};
  switch (kind % 7) {
    case 0:
      DecodeKeypoints(row, rows, cols, bytes);
      break;
    case 1:
      DecodeFloatDescriptors(row, rows, cols, bytes);
      break;
    case 2:
      DecodeByteDescriptors(row, rows, cols, bytes);
      break;
    case 3:
      DecodeMatches(row, rows, cols, bytes);
      break;
    case 4:
      DecodeFloats(row, "scores", bytes);
      break;
    case 5:
      DecodeDoubles(row, "F", bytes, static_cast<size_t>(rows));
      break;
    case 6: {
      const auto [id1, id2] = PairFromId(static_cast<image_pair_t>(rows));
      if (PairId(id1, id2) != static_cast<image_pair_t>(rows) || ShouldSwap(id1, id2)) std::abort();
      break;
    }
  }
}

bool Run(std::string_view bytes) {
  return Accepted([&] {
    InputCursor input(bytes);
    const uint8_t kind = input.Byte();
    const int64_t rows = input.Number(), cols = input.Number();
    DecodeAs(kind, rows, cols, input.Rest());
  });
}

std::string Seed(char kind, int64_t rows, int64_t cols, const std::string& bytes) {
  return kind + NumberBytes(rows) + NumberBytes(cols) + bytes;
}

std::vector<std::string> Seeds() {
  const double matrix[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const std::string xy = EncodeFloats({1.5F, 2.5F, 3.5F, 4.5F});
  return {Seed(0, 2, 2, xy),
          Seed(0, 1, 4, xy),
          Seed(0, 0, 2, ""),
          Seed(1, 1, 16, xy),
          Seed(2, 1, 16, xy),
          Seed(3, 2, 2, EncodeMatches({{0, 1}, {2, 3}})),
          Seed(4, 0, 0, xy),
          Seed(5, 9, 0, EncodeDoubles(matrix, 9)),
          Seed(6, static_cast<int64_t>(PairId(3, 7)), 0, "")};
}

const RegisterFuzzTarget registered({"blob", Run, Seeds});

}  // namespace
}  // namespace colmatch
