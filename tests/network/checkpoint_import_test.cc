// Weights as training programs leave them, made by the tests: wrapped, prefixed, renamed, with batch
// normalisation.
#include "network/checkpoint_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdio>
#include <functional>

#include "network/formats/pth_writer.h"
#include "network/keypoints.h"
#include "tests/message_of.h"
#include "tests/network/formats/zip_builder.h"
#include "tests/temporary_folder.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Tensors = std::map<std::string, torch::Tensor>;

StoredTensor Stored(const torch::Tensor& tensor) {
  const bool whole = !tensor.is_floating_point();
  const auto value = tensor.detach().to(whole ? torch::kLong : torch::kFloat).contiguous();
  return {whole ? ScalarType::kI64 : ScalarType::kF32, value.sizes().vec(),
          std::string(static_cast<const char*>(value.data_ptr()), value.nbytes())};
}

Tensors StateOf(const torch::nn::Module& module) {
  Tensors state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value().detach();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value().detach();
  return state;
}

// --- pickles, as Python writes them ---

std::string Bytes(uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}
std::string Text(const std::string& text) { return "X" + Bytes(text.size(), 4) + text; }
std::string Int(int64_t value) { return "J" + Bytes(static_cast<uint64_t>(value), 4); }
std::string Tuple(torch::IntArrayRef values) {
  std::string items = "(";
  for (const int64_t value : values) items += Int(value);
  return items + "t";
}

// A file of torch.save with a dictionary whose items the callback writes.
class PthBuilder {
 public:
  std::string Tensor(const torch::Tensor& tensor) {
    const auto value = tensor.detach().contiguous();
    const bool whole = !value.is_floating_point();
    const std::string key = std::to_string(storages_.size());
    storages_.push_back(Stored(value).bytes);
    return "ctorch._utils\n_rebuild_tensor_v2\n((" + Text("storage") + "ctorch\n" +
           (whole ? "LongStorage" : "FloatStorage") + "\n" + Text(key) + Text("cuda:0") + Int(value.numel()) +
           "tQ" + Int(0) + Tuple(value.sizes()) + Tuple(value.strides()) +
           "\x89"
           "ccollections\nOrderedDict\n)RtR";
  }
  std::string Dict(const Tensors& tensors, const std::string& prefix = "") {
    std::string items;
    for (const auto& [name, tensor] : tensors) items += Text(prefix + name) + Tensor(tensor);
    return "ccollections\nOrderedDict\n)R(" + items + "u";
  }
  std::string File(const std::string& value) const {
    std::vector<ZipEntry> entries = {{"net/data.pkl", "\x80\x02" + value + "."}, {"net/byteorder", "little"}};
    for (size_t i = 0; i < storages_.size(); ++i)
      entries.emplace_back("net/data/" + std::to_string(i), storages_[i]);
    return BuildZip(entries);
  }

 private:
  std::vector<std::string> storages_;
};

std::string PlainDict(const std::string& items) { return "}(" + items + "u"; }

class CheckpointImport : public testing::Test {
 protected:
  CheckpointImport() {
    torch::manual_seed(7);
    point_ = SuperPoint(SuperPointArchitecture{{4, 4, 8, 8}, 8, 12, false});
    SuperGlueArchitecture architecture;
    architecture.descriptor_dim = 12;
    architecture.keypoint_encoder = {4, 8};
    architecture.num_layer_pairs = 1;
    glue_ = SuperGlue(architecture);
    point_->eval();
    glue_->eval();
  }
  ImportReport Import(const std::string& file, const std::string& entry = "") {
    const auto path = folder_.Write("in.pth", file);
    return ImportWeights(path, out_, {}, entry);
  }
  void ExpectGlue(const ImportReport& report) {
    EXPECT_EQ(report.network, "superglue");
    const auto wanted = StateOf(*glue_), found = StateOf(*LoadSuperGlue(out_).network);
    for (const auto& [name, tensor] : wanted) EXPECT_TRUE(found.at(name).equal(tensor)) << name;
  }
  void ExpectPoint(const ImportReport& report) {
    EXPECT_EQ(report.network, "superpoint");
    const auto wanted = StateOf(*point_), found = StateOf(*LoadSuperPoint(out_).network);
    for (const auto& [name, tensor] : wanted) EXPECT_TRUE(found.at(name).equal(tensor)) << name;
  }

  TemporaryFolder folder_;
  std::string out_ = folder_.File("out.safetensors");
  SuperPoint point_{nullptr};
  SuperGlue glue_{nullptr};
};

TEST_F(CheckpointImport, AStateDictInADictionaryBesideNumbersAndSettingsIsTaken) {
  PthBuilder builder;
  const std::string half_float = "G\x3f\xe0" + std::string(6, '\0');
  const std::string everything =
      Text("epoch") + "K\x05" + Text("loss") + half_float + Text("old") + "F0.5\n" + Text("big") +
      "\x8a\x09" + std::string(9, '\1') + Text("bytes") +
      "C\x03"
      "abc" +
      Text("names") + "](" + Text("a") + "NF1.5\ne" + Text("set") + "cbuiltins\nset\n(](K\1etR" +
      Text("args") + "cargparse\nNamespace\n)\x81}(" + Text("lr") + half_float + "ub" + Text("path") +
      "cpathlib\nPosixPath\n(" + Text("/") + Text("tmp") + "tR" + Text("best") +
      "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(" + Text("f8") + "\x89\x88tR(K\3" + Text("<") +
      "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + std::string("\0tb", 3) + "c_codecs\nencode\n(" + Text("x") +
      Text("latin1") + "tRtR" + Text("device") + "ctorch\ndevice\n(" + Text("cuda") + "tR" + Text("counts") +
      "ccollections\ndefaultdict\n(cbuiltins\nint\ntR";
  const std::string optimizer =
      Text("optimizer_state_dict") +
      PlainDict(Text("state") +
                PlainDict(std::string("K\0", 2) + PlainDict(Text("step") + "K\x05" + Text("exp_avg") +
                                                            builder.Tensor(torch::ones({3})))) +
                Text("param_groups") + "](}(" + Text("lr") + half_float + "ue");
  for (const char* key : {"state_dict", "model_state_dict", "model", "net"}) {
    const std::string file =
        builder.File(PlainDict(everything + optimizer + Text(key) + builder.Dict(StateOf(*glue_))));
    const ImportReport report = Import(file);
    ExpectGlue(report);
    EXPECT_THAT(report.notes.at(0), HasSubstr("of '" + std::string(key) + "'"));
  }
}

TEST_F(CheckpointImport, PrefixesAreTakenOffAndProfilersCountersLeft) {
  for (const char* prefix : {"module.", "superglue.", "module.superglue.", "model.module.matcher."}) {
    PthBuilder builder;
    Tensors state = StateOf(*glue_);
    state["total_ops"] = torch::zeros({1});
    state["kenc.total_params"] = torch::zeros({1});
    state["gnn.layers.0.attn.total_ops"] = torch::zeros({1});
    state["bin_score"] = state["bin_score"].reshape({1});
    const ImportReport report = Import(builder.File(builder.Dict(state, prefix)));
    ExpectGlue(report);
    EXPECT_THAT(report.notes.at(0), HasSubstr(std::string("prefix '") + prefix + "'"));
    EXPECT_THAT(report.notes.at(1), AllOf(HasSubstr("total_ops"), HasSubstr("total_params")));
  }
}

TEST_F(CheckpointImport, OfSeveralNetworksTheOneThatIsNamedIsTaken) {
  PthBuilder builder;
  Tensors both;
  for (const auto& [name, tensor] : StateOf(*point_)) both["superpoint." + name] = tensor;
  for (const auto& [name, tensor] : StateOf(*glue_)) both["superglue." + name] = tensor;
  const std::string file = builder.File(builder.Dict(both));
  EXPECT_THAT(MessageOf<WeightsError>([&] { Import(file); }),
              AllOf(HasSubstr("2 networks"), HasSubstr("'superpoint'"), HasSubstr("'superglue'"),
                    HasSubstr("--entry")));
  ExpectPoint(Import(file, "superpoint"));
  ExpectGlue(Import(file, "superglue"));
  EXPECT_THAT(MessageOf<WeightsError>([&] { Import(file, "other"); }), HasSubstr("no network in 'other'"));
}

TEST_F(CheckpointImport, ListsAndTuplesAreLookedThroughAndTheirPlacesNumbered) {
  PthBuilder builder;
  const std::string optimizer = PlainDict(Text("lr") + Int(1));
  ExpectPoint(Import(builder.File("(" + builder.Dict(StateOf(*point_)) + optimizer + "t")));
  PthBuilder several;
  const std::string models = "](" + several.Dict(StateOf(*point_)) + several.Dict(StateOf(*glue_)) + "e";
  const std::string file = several.File(PlainDict(Text("models") + models));
  EXPECT_THAT(MessageOf<WeightsError>([&] { Import(file); }),
              AllOf(HasSubstr("'models.0'"), HasSubstr("'models.1'"), HasSubstr("--entry")));
  ExpectGlue(Import(file, "models.1"));
  PthBuilder round;  // a list that holds itself
  EXPECT_THAT(MessageOf<WeightsError>([&] {
                Import(
                    round.File("]q\x01h\x01"
                               "a"));
              }),
              HasSubstr("no tensors"));
}

TEST_F(CheckpointImport, ATorchScriptProgramIsToldFromATruncatedFile) {
  const std::string file = BuildZip({{"net/data.pkl", "\x80\x02}."}, {"net/code/__torch__/m.py", "packed"}});
  EXPECT_THAT(MessageOf<WeightsError>([&] { Import(file); }),
              AllOf(HasSubstr("TorchScript"), HasSubstr("state_dict()")));
}

TEST_F(CheckpointImport, PlainSafetensorsWithOfficialNamesAreTaken) {
  SafetensorsFile file;
  for (const auto& [name, tensor] : StateOf(*point_)) file.tensors[name] = Stored(tensor);
  ExpectPoint(Import(SerializeSafetensors(file, "x")));
  EXPECT_EQ(LoadSuperPoint(out_).network->architecture().refinement_radius, 0) << "as published";
  // One of colmatch's is no work for import.
  EXPECT_THAT(MessageOf<WeightsError>([&] { ImportWeights(out_, folder_.File("again.safetensors"), {}); }),
              HasSubstr("of colmatch already"));
}

TEST_F(CheckpointImport, HuggingFacesNamesAreKnown) {
  PthBuilder builder;
  const std::map<std::string, std::string> heads = {{"convPa", "keypoint_decoder.conv_score_a"},
                                                    {"convPb", "keypoint_decoder.conv_score_b"},
                                                    {"convDa", "descriptor_decoder.conv_descriptor_a"},
                                                    {"convDb", "descriptor_decoder.conv_descriptor_b"}};
  Tensors state;
  for (const auto& [name, tensor] : StateOf(*point_)) {
    const std::string module = name.substr(0, 6), rest = name.substr(6);
    const bool head = heads.count(module) != 0;
    state[head ? heads.at(module) + rest
               : std::string("encoder.conv_blocks.") + static_cast<char>(module[4] - 1) + ".conv_" +
                     module[5] + rest] = tensor;
  }
  ExpectPoint(Import(builder.File(builder.Dict(state))));
}

// The network of the checkpoints below: convolution, then normalisation and ReLU in either order.
struct NormedSuperPoint {
  std::map<std::string, torch::Tensor> tensors;  // official modules; NAME.bn.*
  double eps = 1e-5;
  bool norm_behind_relu = false;

  explicit NormedSuperPoint(SuperPoint& network) {
    for (const auto& [name, tensor] : StateOf(*network)) tensors[name] = tensor;
    for (const char* name : {"conv1a", "conv1b", "conv2a", "conv2b", "conv3a", "conv3b", "conv4a", "conv4b",
                             "convPa", "convPb", "convDa", "convDb"}) {
      const auto channels = tensors[std::string(name) + ".bias"].sizes();
      tensors[std::string(name) + ".bn.weight"] = torch::rand(channels) + 0.5;
      tensors[std::string(name) + ".bn.bias"] = torch::randn(channels) * 0.3;
      tensors[std::string(name) + ".bn.running_mean"] = torch::randn(channels) * 0.2;
      tensors[std::string(name) + ".bn.running_var"] = torch::rand(channels) + 0.5;
      tensors[std::string(name) + ".bn.num_batches_tracked"] = torch::tensor(int64_t{3});
    }
  }
  torch::Tensor Norm(const std::string& name, const torch::Tensor& x) {
    return torch::batch_norm(x, tensors[name + ".bn.weight"], tensors[name + ".bn.bias"],
                             tensors[name + ".bn.running_mean"], tensors[name + ".bn.running_var"], false, 0,
                             eps, false);
  }
  torch::Tensor Layer(const std::string& name, const torch::Tensor& x, bool relu) {
    const auto weight = tensors[name + ".weight"];
    const auto y = torch::conv2d(x, weight, tensors[name + ".bias"], 1, weight.size(2) / 2);
    if (!relu) return Norm(name, y);
    return norm_behind_relu ? Norm(name, torch::relu(y)) : torch::relu(Norm(name, y));
  }
  std::pair<torch::Tensor, torch::Tensor> Run(torch::Tensor x) {
    for (int block = 1; block <= 4; ++block) {
      for (const char* half : {"a", "b"}) x = Layer("conv" + std::to_string(block) + half, x, true);
      if (block < 4) x = torch::max_pool2d(x, 2);
    }
    const auto scores = Layer("convPb", Layer("convPa", x, true), false);
    const auto descriptors = Layer("convDb", Layer("convDa", x, true), false);
    return {scores, torch::nn::functional::normalize(
                        descriptors, torch::nn::functional::NormalizeFuncOptions().p(2).dim(1))};
  }
};

void ExpectSameFunction(const std::string& path, NormedSuperPoint& wanted) {
  torch::NoGradGuard no_grad;
  const auto image = torch::rand({1, 1, 40, 56});
  const auto [logits, descriptors] = wanted.Run(image);
  auto loaded = LoadSuperPoint(path);
  const SuperPointOutput output = loaded.network->forward(image);
  EXPECT_LT((output.logits - logits).abs().max().item<float>(), 1e-4) << "up to the borders";
  EXPECT_LT((output.descriptors - descriptors).abs().max().item<float>(), 1e-4);
}

TEST_F(CheckpointImport, NormalisationBehindTheReluIsFoldedUpToTheBorders) {
  NormedSuperPoint network(point_);
  network.norm_behind_relu = true;
  network.eps = 1e-3;
  const std::map<std::string, std::string> heads = {{"convPa", "detector.0"},
                                                    {"convPb", "detector.1"},
                                                    {"convDa", "descriptor.0"},
                                                    {"convDb", "descriptor.1"}};
  const auto renamed = [&] {
    Tensors state;
    for (const auto& [name, tensor] : network.tensors) {
      const std::string module = name.substr(0, 6), rest = name.substr(7);
      const std::string block = heads.count(module) != 0
                                    ? heads.at(module)
                                    : std::string("backbone.") + static_cast<char>(module[4] - 1) +
                                          (module[5] == 'a' ? ".0" : ".1");
      state[block + (rest.rfind("bn.", 0) == 0 ? "." + rest : ".conv." + rest)] = tensor;
    }
    return state;
  };
  // A channel turned round is fine where it is not pooled.
  network.tensors["conv2a.bn.weight"][1] = -0.7;
  PthBuilder builder;
  const ImportReport report = Import(builder.File(builder.Dict(renamed())));
  EXPECT_THAT(report.notes.at(0), HasSubstr("rpautrat"));
  EXPECT_THAT(report.notes.back(), HasSubstr("folded"));
  ExpectSameFunction(out_, network);
  EXPECT_EQ(LoadSuperPoint(out_).network->architecture().sampling, DescriptorSampling::kCellCentres);
  network.tensors["conv2b.bn.weight"][1] = -0.7;
  PthBuilder bad;
  EXPECT_THAT(MessageOf<WeightsError>([&] { Import(bad.File(bad.Dict(renamed()))); }), HasSubstr("conv2b"));
}

TEST_F(CheckpointImport, NormalisationBeforeTheReluIsFolded) {
  NormedSuperPoint network(point_);
  Tensors state;
  for (const auto& [name, tensor] : network.tensors) {
    const std::string module = name.substr(0, 6), rest = name.substr(7);
    const bool norm = rest.rfind("bn.", 0) == 0;
    const std::string own = norm ? rest.substr(3) : rest;
    if (module[4] == 'P' || module[4] == 'D') {
      state[(norm ? "bn" : "conv") + module.substr(4) + "." + own] = tensor;
      continue;
    }
    const int block = module[4] - '1', index = (module[5] == 'a' ? 0 : 3) + norm;
    const std::string place =
        block == 0 ? "inc.conv.conv." : "down" + std::to_string(block) + ".mpconv.1.conv.";
    state[place + std::to_string(index) + "." + own] = tensor;
  }
  PthBuilder builder;
  const std::string file =
      builder.File(PlainDict(Text("n_iter") + "K\x07" + Text("model_state_dict") + builder.Dict(state) +
                             Text("loss") + "G\x3f\xe0" + std::string(6, '\0')));
  const ImportReport report = Import(file);
  EXPECT_THAT(report.notes.at(0), HasSubstr("eric-yyjau"));
  ExpectSameFunction(out_, network);
}

TEST_F(CheckpointImport, WhatRunsCodeIsRefusedByNameWhereverItLies) {
  for (const char* name : {"os\nsystem", "posix\nsystem", "builtins\neval", "builtins\nexec",
                           "subprocess\nPopen", "builtins\ngetattr", "torch\nload",
                           "models.superglue\nSuperGlue", "pathlib.x\nPath", "numpy\nload"}) {
    PthBuilder builder;
    const std::string call = std::string("c") + name + "\n(" + Text("touch /tmp/made_by_a_pickle") + "tR";
    EXPECT_THAT(MessageOf<WeightsError>([&] {
                  Import(builder.File(
                      PlainDict(Text("args") + call + Text("state_dict") + builder.Dict(StateOf(*glue_)))));
                }),
                HasSubstr("nothing was run"))
        << name;
  }
}

TEST_F(CheckpointImport, AFileWithoutANetworkIsToldByWhatItHas) {
  PthBuilder builder;
  EXPECT_THAT(MessageOf<WeightsError>([&] {
                Import(builder.File(builder.Dict({{"fc.weight", torch::ones({2, 2})}})));
              }),
              AllOf(HasSubstr("'conv1a.weight'"), HasSubstr("'fc.weight'")));
  EXPECT_THAT(MessageOf<WeightsError>([&] { Import("no weights at all"); }),
              HasSubstr("neither a file of torch.save nor safetensors"));
}

TEST_F(CheckpointImport, APthFileOfOursIsOneOfPytorch) {
  const std::string path = folder_.File("ours.pth");
  SaveSuperGlue(glue_, {}, path);
  ExpectGlue(ImportWeights(path, out_, {}));
  const char* const python = std::getenv("COLMATCH_PYCOLMAP_PYTHON");
  if (python == nullptr ||
      std::system((std::string(python) + " -c 'import torch' 2> /dev/null").c_str()) != 0)
    GTEST_SKIP() << "COLMATCH_PYCOLMAP_PYTHON does not name a Python with torch";
  const std::string script =
      "import torch, sys; s = torch.load(sys.argv[1], weights_only=True); print(len(s), "
      "float(s['bin_score']), "
      "tuple(s['final_proj.weight'].shape), float(s['final_proj.weight'][1, 2, 0]))";
  FILE* pipe = popen((std::string(python) + " -c \"" + script + "\" " + path + " 2>&1").c_str(), "r");
  char line[512] = "";
  const char* const read = std::fgets(line, sizeof(line), pipe);
  pclose(pipe);
  ASSERT_NE(read, nullptr);
  const auto state = StateOf(*glue_);
  int count = 0;
  double score = 0, value = 0;
  ASSERT_EQ(std::sscanf(line, "%d %lf (12, 12, 1) %lf", &count, &score, &value), 3) << line;
  EXPECT_EQ(count, static_cast<int>(state.size()));
  EXPECT_NEAR(score, state.at("bin_score").item<double>(), 1e-6);
  EXPECT_NEAR(value, state.at("final_proj.weight")[1][2][0].item<double>(), 1e-6);
}

}  // namespace
}  // namespace colmatch
