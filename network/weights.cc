// Weights files; see weights.h.
#include "network/weights.h"

#include <torch/torch.h>

#include <sstream>

#include "network/architecture.h"
#include "network/checkpoint_import.h"
#include "network/formats/pth_writer.h"
#include "network/formats/safetensors.h"
#include "network/stored_tensor.h"
#include "util/atomic_file.h"
#include "util/error.h"
#include "util/read_file.h"
#include "util/sha256.h"

namespace colmatch {
namespace {

using TensorMap = std::map<std::string, StoredTensor>;
using StateDict = std::map<std::string, torch::Tensor>;

// Construction draws random weights that are overwritten at once; the caller's random numbers must not
// notice.
class RandomStateGuard {
 public:
  RandomStateGuard()
      : generator_(torch::globalContext().defaultGenerator(torch::kCPU)), state_(generator_.get_state()) {}
  ~RandomStateGuard() { generator_.set_state(state_); }
  RandomStateGuard(const RandomStateGuard&) = delete;
  RandomStateGuard& operator=(const RandomStateGuard&) = delete;

 private:
  torch::Generator generator_;
  torch::Tensor state_;
};

StateDict StateOf(const torch::nn::Module& module) {
  StateDict state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value().detach();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value().detach();
  return state;
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool IsPthName(const std::string& path) { return EndsWith(path, ".pth") || EndsWith(path, ".pt"); }

bool AllFinite(const torch::Tensor& x) { return torch::isfinite(x).all().item<bool>(); }

std::string ShapeText(torch::IntArrayRef sizes) {
  std::ostringstream text;
  text << sizes;
  return text.str();
}

StoredTensor Store(const torch::Tensor& tensor, StoredType type, const std::string& where) {
  auto value = tensor.to(torch::kCPU).contiguous();
  StoredTensor stored;
  if (value.is_floating_point()) {
    if (!AllFinite(value)) throw WeightsError(where + " holds NaN or infinity: not saved");
    const bool half = type == StoredType::kFloat16;
    value = value.to(half ? torch::kHalf : torch::kFloat).contiguous();
    if (!AllFinite(value)) throw WeightsError(where + " exceeds the range of its stored type: not saved");
    stored.type = half ? ScalarType::kF16 : ScalarType::kF32;
  } else {
    value = value.to(torch::kLong).contiguous();
    stored.type = ScalarType::kI64;
  }
  stored.shape = value.sizes().vec();
  stored.bytes.assign(static_cast<const char*>(value.data_ptr()), value.nbytes());
  return stored;
}

void Save(const torch::nn::Module& module, Metadata metadata, const Metadata& architecture,
          const std::string& path, StoredType type, const CodedTensors& coded) {
  SafetensorsFile file;
  for (const auto& [key, value] : architecture) metadata[key] = value;
  file.metadata = std::move(metadata);
  for (const auto& [name, tensor] : StateOf(module)) {
    const std::string where = path + ": entry '" + name + "'";
    if (const auto c = coded.codebook.find(name); c != coded.codebook.end()) {
      PutCodebook(file, name, c->second);
    } else if (const auto l = coded.linear.find(name); l != coded.linear.end()) {
      PutLinear(file, name, l->second);
    } else if (coded.sparse.count(name) != 0) {
      PutSparse(file, name, Store(tensor, type, where));
    } else {
      file.tensors[name] = Store(tensor, type, where);
    }
  }
  if (IsPthName(path)) {
    DecodeCompressedTensors(file, path);
    WriteFileAtomically(path, SerializePth(file.tensors, path));
  } else {
    WriteSafetensors(file, path);
  }
}

// Exactly the entries of the module, widened to its types.
void Fill(torch::nn::Module& module, const TensorMap& tensors, const std::string& path) {
  torch::NoGradGuard no_grad;
  const StateDict state = StateOf(module);
  for (const auto& [name, stored] : tensors) {
    if (state.count(name) == 0) {
      throw WeightsError(path + ": entry '" + name + "' does not belong to this architecture");
    }
  }
  for (const auto& [name, target] : state) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw WeightsError(path + ": entry '" + name + "' is missing");
    const StoredTensor& stored = found->second;
    const std::string where = path + ": entry '" + name + "'";
    if (target.sizes() != torch::IntArrayRef(stored.shape)) {
      throw WeightsError(where + " has shape " + ShapeText(stored.shape) + ", expected " +
                         ShapeText(target.sizes()));
    }
    const auto source = TensorOf(stored, where);
    if (source.is_floating_point() != target.is_floating_point()) {
      throw WeightsError(where + " has dtype " + ScalarTypeName(stored.type) + ", expected " +
                         (target.is_floating_point() ? "F32, F16 or BF16" : "I64"));
    }
    target.copy_(source);
    if (target.is_floating_point() && !AllFinite(target))
      throw WeightsError(where + " holds NaN or infinity");
  }
}

ShapeMap ShapesOf(const TensorMap& tensors) {
  ShapeMap shapes;
  for (const auto& [name, tensor] : tensors) shapes[name] = tensor.shape;
  return shapes;
}

// The metadata must say what the tensors are: a file that contradicts itself was edited or damaged.
void CheckMetadata(const Metadata& metadata, const Metadata& expected, const std::string& path) {
  for (const auto& [key, value] : expected) {
    const auto found = metadata.find(key);
    const std::string is = found == metadata.end() ? "missing" : "'" + found->second + "'";
    if (found == metadata.end() || found->second != value) {
      throw WeightsError(path + ": metadata '" + key + "' is " + is + ", the tensors are those of '" + value +
                         "'");
    }
  }
}

void CheckKind(const Metadata& metadata, const std::string& kind, const std::string& path) {
  const auto require = [&](const char* key, const std::string& wanted, const char* hint) {
    const auto found = metadata.find(key);
    const std::string is = found == metadata.end() ? "missing" : "'" + found->second + "'";
    if (found == metadata.end() || found->second != wanted) {
      throw WeightsError(path + ": metadata '" + key + "' is " + is + ", expected '" + wanted + "': " + hint);
    }
  };
  require("architecture", kind, "weights of another network, or not written by colmatch");
  require("format_version", kWeightsFormatVersion, "written by another version of colmatch");
}

SuperPoint BuildSuperPoint(const TensorMap& tensors, const std::string& path, const Metadata& metadata = {}) {
  const RandomStateGuard guard;
  SuperPointArchitecture architecture = SuperPointFromShapes(ShapesOf(tensors), path);
  architecture.sampling = SamplingFromMetadata(metadata, path);
  architecture.scales = ScalesFromMetadata(metadata, path);
  architecture.refinement_radius = RefinementRadiusFromMetadata(metadata, path);
  architecture.refinement = RefinementFromMetadata(metadata, path);
  architecture.pooled_descriptors = PoolingFromMetadata(metadata, path);
  architecture.place_radius = PlaceRadiusFromMetadata(metadata, path);
  SuperPoint network(architecture);
  Fill(*network, tensors, path);
  network->eval();
  return network;
}

SuperGlue BuildSuperGlue(const TensorMap& tensors, const std::string& path, const Metadata& metadata = {}) {
  const RandomStateGuard guard;
  SuperGlueArchitecture architecture =
      SuperGlueFromShapes(ShapesOf(tensors), path, NumHeadsFromMetadata(metadata, path));
  architecture.fixed_keypoint_code = KeypointCodeFromMetadata(metadata, path);
  architecture.sinkhorn_iterations = SinkhornIterationsFromMetadata(metadata, path);
  architecture.guidance_rounds = GuidanceRoundsFromMetadata(metadata, path);
  ReadPrefilter(metadata, path, architecture);
  SuperGlue network(architecture);
  Fill(*network, tensors, path);
  network->eval();
  return network;
}

// What both networks' files have in common; build makes the network of the file's tensors.
template <typename Loaded, typename Build>
Loaded Load(const std::string& path, const std::string& kind, const Build& build) {
  const std::string bytes = ReadWeightsFile(path);
  SafetensorsFile file = ParseSafetensors(bytes, path);
  CheckKind(file.metadata, kind, path);
  DecodeCompressedTensors(file, path);
  Loaded loaded;
  loaded.network = build(file);
  const Metadata expected = MetadataOf(loaded.network->architecture());
  // Files from before it was said are complete without it.
  if (const auto refinement = expected.find("refinement_radius"); refinement != expected.end())
    file.metadata.insert(*refinement);
  CheckMetadata(file.metadata, expected, path);
  loaded.metadata = std::move(file.metadata);
  loaded.sha256 = Sha256Hex(bytes);
  return loaded;
}

// Checkpoints from before BatchNorm counted its batches lack the counter; evaluation does not use it.
void AddBatchCounters(TensorMap& tensors) {
  const std::string mean = "running_mean";
  StoredTensor zero;
  zero.type = ScalarType::kI64;
  zero.bytes.assign(sizeof(int64_t), '\0');
  std::set<std::string> wanted;
  for (const auto& [name, tensor] : tensors) {
    if (name.size() <= mean.size() || name.compare(name.size() - mean.size(), mean.size(), mean) != 0)
      continue;
    wanted.insert(name.substr(0, name.size() - mean.size()) + "num_batches_tracked");
  }
  for (const std::string& name : wanted) tensors.emplace(name, zero);
}

}  // namespace

void SaveSuperPoint(const SuperPoint& network, const Metadata& metadata, const std::string& path,
                    StoredType type, const CodedTensors& coded) {
  const auto& architecture = network->architecture();
  if (architecture.batch_norm) {
    throw WeightsError(path +
                       ": SuperPoint still has its batch normalisation: call FoldBatchNorm before saving");
  }
  Save(*network, metadata, MetadataOf(architecture), path, type, coded);
}

void SaveSuperGlue(const SuperGlue& network, const Metadata& metadata, const std::string& path,
                   StoredType type, const CodedTensors& coded) {
  Save(*network, metadata, MetadataOf(network->architecture()), path, type, coded);
}

LoadedSuperPoint LoadSuperPoint(const std::string& path) {
  return Load<LoadedSuperPoint>(path, kSuperPointName, [&](const SafetensorsFile& file) {
    return BuildSuperPoint(file.tensors, path, file.metadata);
  });
}

LoadedSuperGlue LoadSuperGlue(const std::string& path) {
  return Load<LoadedSuperGlue>(path, kSuperGlueName, [&](const SafetensorsFile& file) {
    return BuildSuperGlue(file.tensors, path, file.metadata);
  });
}

void SaveImportedSuperPoint(const std::map<std::string, StoredTensor>& tensors, const Metadata& metadata,
                            const std::string& path, const std::string& safetensors_path) {
  SaveSuperPoint(BuildSuperPoint(tensors, path, metadata), metadata, safetensors_path);
}

void SaveImportedSuperGlue(std::map<std::string, StoredTensor> tensors, const Metadata& metadata,
                           const std::string& path, const std::string& safetensors_path) {
  AddBatchCounters(tensors);
  SaveSuperGlue(BuildSuperGlue(tensors, path, metadata), metadata, safetensors_path);
}

}  // namespace colmatch
