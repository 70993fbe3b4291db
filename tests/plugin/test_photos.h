// A small collection of real-looking photos for the tests: views of the rendered demo scene, made once a
// program.
#pragma once

#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <vector>

#include "plugin/demo/demo_scene.h"
#include "tests/temporary_folder.h"

namespace colmatch {

inline const std::filesystem::path& TestPhotos() {
  static const TemporaryFolder folder;
  static const std::filesystem::path images = [] {
    DemoSceneOptions options;
    options.num_images = 4;
    options.width = 400;
    options.height = 300;
    RenderDemoScene(options, folder.path());
    return folder.path() / "images";
  }();
  return images;
}

// A copy that a test may change.
inline std::filesystem::path CopyOfTestPhotos(const TemporaryFolder& folder) {
  const auto copy = folder.path() / "photos";
  std::filesystem::copy(TestPhotos(), copy, std::filesystem::copy_options::recursive);
  return copy;
}

// Two of them, where a test needs no more.
inline void CopyTwoTestPhotos(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const char* name : {"courtyard_00.jpg", "courtyard_01.jpg"}) {
    std::filesystem::copy(TestPhotos() / name, folder / name);
  }
}

}  // namespace colmatch
