// The library that draws the interactive model of a report: three.js, which is no part of this repository.
// scripts/fetch_viewer.sh brings it from a registry.
#pragma once

#include <string>
#include <vector>

namespace colmatch {

inline constexpr char kViewerVariable[] = "COLMATCH_VIEWER";  // a folder to look in first
inline constexpr char kViewerFile[] = "three.min.js";
// Of three.js r130 with its OrbitControls, as PyPI's jupyter-threejs-sage 130 has it. Nothing else is put
// into a page.
inline constexpr char kViewerSha256[] = "52ced813d01a0973760ad3e6f3568c6310534d6bef1225aedc2b569221c1f5c9";

struct ViewerLibrary {
  std::string script;  // empty: not found
  std::string reason;  // why not, and what to do; a sentence
};

// Looks in $COLMATCH_VIEWER, beside the program (viewer/), in ../share/colmatch/viewer and in the user's
// cache (colmatch/viewer).
ViewerLibrary FindViewerLibrary();

std::vector<std::string> ViewerFolders();

}  // namespace colmatch
