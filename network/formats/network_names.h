// The networks' names in files: the metadata key "architecture" (docs/weights_format.md).
#pragma once

namespace colmatch {

inline constexpr char kSuperPointName[] = "superpoint";
inline constexpr char kSuperGlueName[] = "superglue";

}  // namespace colmatch
