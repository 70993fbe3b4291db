// Architectures as metadata and from shapes; see architecture.h.
#include "network/architecture.h"

#include <algorithm>
#include <charconv>

#include "util/error.h"

namespace colmatch {
namespace {

// As few digits as give the number back.
template <typename Number>
std::string ShortestText(Number number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), number).ptr};
}

template <typename Widths>
std::string Join(const Widths& widths) {
  std::string text;
  for (const auto width : widths) text += (text.empty() ? "" : ",") + ShortestText(width);
  return text;
}

// The output width of a layer, from its weight (out, in, ...), cut off far beyond any network so that it fits
// an int; Validate() refuses those.
int OutputWidth(const ShapeMap& shapes, const std::string& layer, size_t rank, const std::string& path) {
  const std::string name = layer + ".weight";
  const auto found = shapes.find(name);
  if (found == shapes.end()) throw WeightsError(path + ": entry '" + name + "' is missing");
  if (found->second.size() != rank) {
    throw WeightsError(path + ": entry '" + name + "' has " + std::to_string(found->second.size()) +
                       " dimensions, expected " + std::to_string(rank));
  }
  constexpr int64_t kCut = 1'000'000;
  return static_cast<int>(std::min(found->second[0], kCut));
}

// A shape may promise width without bytes ([4096, 0]); the network is built only if the file can fill it.
void RequireValues(const ShapeMap& shapes, double needed, const std::string& path) {
  double found = 0;
  for (const auto& [name, shape] : shapes) {
    double product = 1;
    for (const int64_t size : shape) product *= static_cast<double>(size);
    found += product;
  }
  if (found < needed) {
    throw WeightsError(path + ": holds " + std::to_string(static_cast<int64_t>(found)) +
                       " values, an architecture of these sizes has more than " +
                       std::to_string(static_cast<int64_t>(needed)) + ": entries are missing or misshaped");
  }
}

// Whether the whole text is a number of this type, which goes into `number`.
template <typename Number>
bool ReadNumber(const std::string& text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end;
}

// A positive number, or `otherwise` where the key is missing.
int CountFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& key,
                      int otherwise, const std::string& path) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return otherwise;
  int count = 0;
  if (!ReadNumber(found->second, count) || count < 1)
    throw WeightsError(path + ": metadata '" + key + "' is '" + found->second +
                       "', expected a positive number");
  return count;
}

template <typename Architecture>
void Validate(const Architecture& architecture, const std::string& path) {
  try {
    architecture.Validate();
  } catch (const WeightsError& error) {
    throw WeightsError(path + ": " + error.what());
  }
}

// Of a key that has one of two words: whether it has the second; the first where a file does not say.
bool IsSecondWord(const std::map<std::string, std::string>& metadata, const std::string& key,
                  const std::pair<std::string, std::string>& words, const std::string& path) {
  const auto found = metadata.find(key);
  if (found == metadata.end() || found->second == words.first) return false;
  if (found->second == words.second) return true;
  throw WeightsError(path + ": metadata '" + key + "' is '" + found->second + "', expected " + words.first +
                     " or " + words.second);
}

}  // namespace

std::string JoinNumbers(const std::vector<double>& numbers) { return Join(numbers); }

std::map<std::string, std::string> MetadataOf(const SuperPointArchitecture& architecture) {
  std::map<std::string, std::string> metadata = {
      {"architecture", kSuperPointName},
      {"format_version", kWeightsFormatVersion},
      {"encoder_widths", Join(architecture.encoder_widths)},
      {"head_width", std::to_string(architecture.head_width)},
      {"descriptor_dim", std::to_string(architecture.descriptor_dim)},
      {"descriptor_sampling",
       architecture.sampling == DescriptorSampling::kPublished ? kPublishedSampling : kCellCentreSampling}};
  metadata["refinement_radius"] = std::to_string(architecture.refinement_radius);
  if (architecture.pooled_descriptors) metadata["descriptor_pooling"] = kPoolingOverScales;
  if (architecture.refinement == Refinement::kScores) metadata["refinement"] = kScoreRefinement;
  if (architecture.scales != SuperPointArchitecture{}.scales)
    metadata["scales"] = JoinNumbers(architecture.scales);
  if (architecture.place_radius != SuperPointArchitecture{}.place_radius)
    metadata["place_radius"] = ShortestText(architecture.place_radius);
  return metadata;
}

DescriptorSampling SamplingFromMetadata(const std::map<std::string, std::string>& metadata,
                                        const std::string& path) {
  return IsSecondWord(metadata, "descriptor_sampling", {kPublishedSampling, kCellCentreSampling}, path)
             ? DescriptorSampling::kCellCentres
             : DescriptorSampling::kPublished;
}

std::vector<double> ScalesFromMetadata(const std::map<std::string, std::string>& metadata,
                                       const std::string& path) {
  const auto found = metadata.find("scales");
  if (found == metadata.end()) return SuperPointArchitecture{}.scales;
  std::vector<double> scales;
  const char* next = found->second.data();
  const char* const end = next + found->second.size();
  while (true) {
    double scale = 0;
    const auto [rest, error] = std::from_chars(next, end, scale);
    if (error != std::errc() || (rest != end && *rest != ',')) {
      throw WeightsError(path + ": metadata 'scales' is '" + found->second +
                         "', expected numbers with commas between them");
    }
    scales.push_back(scale);
    if (rest == end) return scales;
    next = rest + 1;
  }
}

int RefinementRadiusFromMetadata(const std::map<std::string, std::string>& metadata,
                                 const std::string& path) {
  const auto found = metadata.find("refinement_radius");
  if (found == metadata.end()) {
    const auto trained_by = metadata.find("trained_by");
    const bool own = trained_by != metadata.end() && trained_by->second.rfind("colmatch", 0) == 0;
    return own ? kOwnRefinementRadius : 0;
  }
  int radius = -1;
  if (ReadNumber(found->second, radius) && radius >= 0 && radius <= kMaxRefinementRadius) return radius;
  throw WeightsError(path + ": metadata 'refinement_radius' is '" + found->second +
                     "', expected a whole number in [0, " + std::to_string(kMaxRefinementRadius) + "]");
}

bool PoolingFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  return IsSecondWord(metadata, "descriptor_pooling", {kNoPooling, kPoolingOverScales}, path);
}

Refinement RefinementFromMetadata(const std::map<std::string, std::string>& metadata,
                                  const std::string& path) {
  return IsSecondWord(metadata, "refinement", {kHessianRefinement, kScoreRefinement}, path)
             ? Refinement::kScores
             : Refinement::kHessian;
}

double PlaceRadiusFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  const auto found = metadata.find("place_radius");
  if (found == metadata.end()) return SuperPointArchitecture{}.place_radius;
  double radius = -1;
  if (ReadNumber(found->second, radius) && radius >= 0 && radius <= kMaxPlaceRadius) return radius;
  throw WeightsError(path + ": metadata 'place_radius' is '" + found->second +
                     "', expected pixels in [0, 64]");
}

bool KeypointCodeFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  const auto found = metadata.find("keypoint_code");
  if (found == metadata.end()) return false;
  if (found->second == kFixedKeypointCode) return true;
  throw WeightsError(path + ": metadata 'keypoint_code' is '" + found->second + "', expected " +
                     kFixedKeypointCode);
}

int NumHeadsFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  return CountFromMetadata(metadata, "num_heads", SuperGlueArchitecture{}.num_heads, path);
}

int SinkhornIterationsFromMetadata(const std::map<std::string, std::string>& metadata,
                                   const std::string& path) {
  return CountFromMetadata(metadata, "sinkhorn_iterations", SuperGlueArchitecture{}.sinkhorn_iterations,
                           path);
}

int GuidanceRoundsFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  return CountFromMetadata(metadata, "guidance_rounds", SuperGlueArchitecture{}.guidance_rounds, path);
}

void ReadPrefilter(const std::map<std::string, std::string>& metadata, const std::string& path,
                   SuperGlueArchitecture& architecture) {
  architecture.min_neighbors =
      CountFromMetadata(metadata, "min_neighbors", SuperGlueArchitecture{}.min_neighbors, path);
  const auto found = metadata.find("neighbor_similarity");
  if (found == metadata.end()) return;
  if (!ReadNumber(found->second, architecture.neighbor_similarity))
    throw WeightsError(path + ": metadata 'neighbor_similarity' is '" + found->second +
                       "', expected a cosine");
}

std::map<std::string, std::string> MetadataOf(const SuperGlueArchitecture& architecture) {
  std::map<std::string, std::string> metadata = {
      {"architecture", kSuperGlueName},
      {"format_version", kWeightsFormatVersion},
      {"descriptor_dim", std::to_string(architecture.descriptor_dim)},
      {"keypoint_encoder", Join(architecture.keypoint_encoder)},
      {"num_layer_pairs", std::to_string(architecture.num_layer_pairs)}};
  // Said only where it is not as published, so that such files stay what they were.
  if (architecture.num_heads != SuperGlueArchitecture{}.num_heads)
    metadata["num_heads"] = std::to_string(architecture.num_heads);
  if (architecture.sinkhorn_iterations != SuperGlueArchitecture{}.sinkhorn_iterations)
    metadata["sinkhorn_iterations"] = std::to_string(architecture.sinkhorn_iterations);
  if (architecture.guidance_rounds > 0)
    metadata["guidance_rounds"] = std::to_string(architecture.guidance_rounds);
  if (architecture.min_neighbors > 0) {
    metadata["min_neighbors"] = std::to_string(architecture.min_neighbors);
    metadata["neighbor_similarity"] = ShortestText(architecture.neighbor_similarity);
  }
  if (architecture.attention_dim > 0) metadata["attention_dim"] = std::to_string(architecture.attention_dim);
  if (architecture.mlp_hidden > 0) metadata["mlp_hidden"] = std::to_string(architecture.mlp_hidden);
  if (!architecture.batch_norm) metadata["batch_norm"] = "folded";
  if (architecture.fixed_keypoint_code) metadata["keypoint_code"] = kFixedKeypointCode;
  return metadata;
}

SuperPointArchitecture SuperPointFromShapes(const ShapeMap& shapes, const std::string& path) {
  constexpr size_t kRank = 4;  // (out, in, height, width)
  SuperPointArchitecture architecture;
  for (size_t scale = 0; scale < architecture.encoder_widths.size(); ++scale) {
    architecture.encoder_widths[scale] =
        OutputWidth(shapes, "conv" + std::to_string(scale + 1) + "a", kRank, path);
  }
  architecture.head_width = OutputWidth(shapes, "convPa", kRank, path);
  architecture.descriptor_dim = OutputWidth(shapes, "convDb", kRank, path);
  Validate(architecture, path);
  double needed = 0;
  double in = 1;
  for (const double width : architecture.encoder_widths) {
    needed += 9 * width * (in + width);
    in = width;
  }
  needed += architecture.head_width * (18 * in + architecture.descriptor_dim);
  RequireValues(shapes, needed, path);
  return architecture;
}

SuperGlueArchitecture SuperGlueFromShapes(const ShapeMap& shapes, const std::string& path, int num_heads) {
  constexpr size_t kRank = 3;  // (out, in, 1)
  SuperGlueArchitecture architecture;
  architecture.num_heads = num_heads;
  architecture.descriptor_dim = OutputWidth(shapes, "final_proj", kRank, path);
  architecture.keypoint_encoder.clear();
  // Children 0, 3, 6, ... of the encoder are convolutions; the last of them leads to the descriptors.
  const auto layer = [](int child) { return "kenc.encoder." + std::to_string(child); };
  for (int child = 0; shapes.count(layer(child + 3) + ".weight") != 0; child += 3) {
    architecture.keypoint_encoder.push_back(OutputWidth(shapes, layer(child), kRank, path));
  }
  int num_layers = 0;
  while (shapes.count("gnn.layers." + std::to_string(num_layers) + ".attn.merge.weight") != 0) ++num_layers;
  if (num_layers % 2 != 0) {
    throw WeightsError(path + ": has " + std::to_string(num_layers) +
                       " attention layers, expected pairs of one self and one cross layer");
  }
  architecture.num_layer_pairs = num_layers / 2;
  if (num_layers > 0) {
    const int attention = OutputWidth(shapes, "gnn.layers.0.attn.proj.0", kRank, path);
    const int hidden = OutputWidth(shapes, "gnn.layers.0.mlp.0", kRank, path);
    if (attention != architecture.descriptor_dim) architecture.attention_dim = attention;
    if (hidden != 2 * architecture.descriptor_dim) architecture.mlp_hidden = hidden;
  }
  const bool has_hidden_layers = num_layers > 0 || !architecture.keypoint_encoder.empty();
  architecture.batch_norm = !has_hidden_layers || shapes.count("kenc.encoder.1.weight") != 0 ||
                            shapes.count("gnn.layers.0.mlp.1.weight") != 0;
  Validate(architecture, path);
  const double d = architecture.descriptor_dim;
  // Final projection; four projections and two maps of the MLP a layer.
  double needed =
      d * d + num_layers * d * (4.0 * architecture.AttentionDim() + 3.0 * architecture.MlpHidden());
  double in = 3;
  for (const double width : architecture.keypoint_encoder) {
    needed += in * width;
    in = width;
  }
  RequireValues(shapes, needed + in * d, path);
  return architecture;
}

}  // namespace colmatch
