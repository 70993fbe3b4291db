// Architectures as text in the metadata of a weights file, and read back off the shapes of its tensors.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "network/formats/network_names.h"
#include "network/superglue.h"
#include "network/superpoint.h"

namespace colmatch {

inline constexpr char kWeightsFormatVersion[] = "1";
inline constexpr char kPublishedSampling[] = "published";
inline constexpr char kCellCentreSampling[] = "cell_centres";
inline constexpr char kPoolingOverScales[] = "scales";
inline constexpr char kNoPooling[] = "none";
inline constexpr char kHessianRefinement[] = "hessian";
inline constexpr char kScoreRefinement[] = "scores";
inline constexpr char kFixedKeypointCode[] = "fixed";

// "architecture", "format_version" and the sizes; the keys are a file format (docs/weights_format.md).
std::map<std::string, std::string> MetadataOf(const SuperPointArchitecture& architecture);
std::map<std::string, std::string> MetadataOf(const SuperGlueArchitecture& architecture);

// Numbers with commas between them, each with as few digits as give it back.
std::string JoinNumbers(const std::vector<double>& numbers);

// How descriptors are read is not in the shapes; a file that does not say is read as published.
DescriptorSampling SamplingFromMetadata(const std::map<std::string, std::string>& metadata,
                                        const std::string& path);

// At which sizes images are processed; a file that does not say looks at them as they are.
std::vector<double> ScalesFromMetadata(const std::map<std::string, std::string>& metadata,
                                       const std::string& path);

// Within how many pixels keypoints are refined. A file that does not say: 0, as published, but for colmatch's
// own from before it was said ("trained_by").
int RefinementRadiusFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path);

// Whether descriptors are pooled over the scales; a file that does not say: they are not.
bool PoolingFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path);

// To what keypoints are refined; a file that does not say: the Hessian.
Refinement RefinementFromMetadata(const std::map<std::string, std::string>& metadata,
                                  const std::string& path);

// Within how many pixels keypoints of several scales are one place; a file that does not say: 0, all stay.
double PlaceRadiusFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path);

// Whether the keypoint encoder's hidden layers are a fixed code; a file that does not say has learned them.
bool KeypointCodeFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path);

// How many heads share the attention's channels, and how many iterations of optimal transport and rounds of
// guidance the weights specify; a file that does not say has the published four, hundred and none.
int NumHeadsFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path);
int SinkhornIterationsFromMetadata(const std::map<std::string, std::string>& metadata,
                                   const std::string& path);
int GuidanceRoundsFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path);
// Sets min_neighbors and neighbor_similarity where the metadata have them.
void ReadPrefilter(const std::map<std::string, std::string>& metadata, const std::string& path,
                   SuperGlueArchitecture& architecture);

// Shape by entry name. The sizes come from the shapes, never from the metadata alone: a network is then built
// only as large as the file that is there. Throw WeightsError starting with `path` where a defining entry is
// missing or misshaped; the rest is checked against the network that was built.
using ShapeMap = std::map<std::string, std::vector<int64_t>>;
SuperPointArchitecture SuperPointFromShapes(const ShapeMap& shapes, const std::string& path);
SuperGlueArchitecture SuperGlueFromShapes(const ShapeMap& shapes, const std::string& path,
                                          int num_heads = SuperGlueArchitecture{}.num_heads);

}  // namespace colmatch
