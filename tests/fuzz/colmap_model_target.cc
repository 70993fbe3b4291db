// COLMAP's sparse models, binary and text: evaluation/colmap_model_files.h. The first byte chooses the file.
#include <string>

#include "evaluation/colmap_model_files.h"
#include "tests/fuzz/fuzz_target.h"

namespace colmatch {
namespace {

void ReadAs(uint8_t kind, const std::string& path) {
  switch (kind % 6) {
    case 0:
      ReadCamerasBinary(path);
      break;
    case 1:
      ReadImagesBinary(path);
      break;
    case 2:
      ReadPointsBinary(path);
      break;
    case 3:
      ReadCamerasText(path);
      break;
    case 4:
      ReadImagesText(path);
      break;
    case 5:
      ReadPointsText(path);
      break;
  }
}

bool Run(std::string_view input) {
  if (input.empty()) return false;
  const InputFile file(input.substr(1));
  return Accepted([&] { ReadAs(static_cast<uint8_t>(input[0]), file.path()); });
}

template <typename T>
std::string Of(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::vector<std::string> Seeds() {
  const std::string one = NumberBytes(1), cameras(1, '\0');
  return {cameras + one + Of<uint32_t>({1, 1}) + Of<uint64_t>({640, 480}) + Of<double>({500, 501, 320, 240}),
          "\1" + one + Of<uint32_t>({3}) + Of<double>({1, 0, 0, 0, 1, 2, 3}) + Of<uint32_t>({1}) +
              std::string("left.jpg\0", 9) + one + Of<double>({1.5, 2.5}) + NumberBytes(5),
          "\2" + one + NumberBytes(5) + Of<double>({1, 2, 3}) + "rgb" + Of<double>({0.25}) + one +
              Of<uint32_t>({3, 0}),
          "\3# cameras\n1 PINHOLE 640 480 500 501 320 240\n",
          "\4"
          "3 1 0 0 0 1 2 3 1 left view.jpg\n1.5 2.5 5 3.5 4.5 -1\n",
          "\5"
          "5 0.5 -0.5 10 1 2 3 0.25 3 0 4 0\n"};
}

const RegisterFuzzTarget registered({"colmap_model", Run, Seeds});

}  // namespace
}  // namespace colmatch
