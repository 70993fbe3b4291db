// What the pickle machine builds: storages, tensors, state dicts, and the functions it knows; see pickle.h.
#include <iterator>
#include <set>

#include "network/formats/pickle.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr size_t kMaxRank = 16;

enum FunctionRole { kOrderedDict, kDict, kRebuildTensor, kRebuildParameter, kStorageType, kOpaque };

struct Function {
  const char* module;
  const char* name;
  FunctionRole role;
  ScalarType type;
};

// Everything a pickle may name. None of them is called: each stands for a few lines below.
constexpr Function kFunctions[] = {
    {"collections", "OrderedDict", kOrderedDict, ScalarType::kF32},
    {"collections", "defaultdict", kDict, ScalarType::kF32},
    {"collections", "Counter", kDict, ScalarType::kF32},
    {"easydict", "EasyDict", kDict, ScalarType::kF32},
    {"builtins", "dict", kDict, ScalarType::kF32},
    {"__builtin__", "dict", kDict, ScalarType::kF32},
    {"torch._utils", "_rebuild_tensor", kRebuildTensor, ScalarType::kF32},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensor, ScalarType::kF32},
    {"torch._utils", "_rebuild_parameter", kRebuildParameter, ScalarType::kF32},
    {"torch", "FloatStorage", kStorageType, ScalarType::kF32},
    {"torch", "HalfStorage", kStorageType, ScalarType::kF16},
    {"torch", "BFloat16Storage", kStorageType, ScalarType::kBF16},
    {"torch", "DoubleStorage", kStorageType, ScalarType::kF64},
    {"torch", "LongStorage", kStorageType, ScalarType::kI64},
    {"torch", "IntStorage", kStorageType, ScalarType::kI32},
    {"torch", "ShortStorage", kStorageType, ScalarType::kI16},
    {"torch", "CharStorage", kStorageType, ScalarType::kI8},
    {"torch", "ByteStorage", kStorageType, ScalarType::kU8},
    {"torch", "BoolStorage", kStorageType, ScalarType::kBool},
};

// Text of the file in a message: short and printable.
std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text.substr(0, 80)) quoted += c >= ' ' && c <= '~' ? c : '?';
  return quoted + (text.size() > 80 ? "...'" : "'");
}

// What stands beside tensors in checkpoints: values that are made of their arguments and do nothing. They
// become opaque, whatever their arguments. An empty name: all of the module.
constexpr const char* kHarmless[][2] = {
    {"argparse", "Namespace"},
    {"types", "SimpleNamespace"},
    {"datetime", ""},
    {"decimal", "Decimal"},
    {"fractions", "Fraction"},
    {"uuid", "UUID"},
    {"pathlib", ""},
    {"pathlib._local", ""},
    {"collections", "deque"},
    {"numpy", "dtype"},
    {"numpy", "ndarray"},
    {"numpy.core.multiarray", "scalar"},
    {"numpy.core.multiarray", "_reconstruct"},
    {"numpy._core.multiarray", "scalar"},
    {"numpy._core.multiarray", "_reconstruct"},
    {"_codecs", "encode"},
    {"builtins", "set"},
    {"builtins", "frozenset"},
    {"builtins", "list"},
    {"builtins", "tuple"},
    {"builtins", "int"},
    {"builtins", "float"},
    {"builtins", "str"},
    {"builtins", "bool"},
    {"builtins", "bytes"},
    {"builtins", "bytearray"},
    {"builtins", "complex"},
    {"builtins", "slice"},
    {"builtins", "range"},
    {"__builtin__", "set"},
    {"__builtin__", "frozenset"},
    {"__builtin__", "list"},
    {"__builtin__", "int"},
    {"__builtin__", "float"},
    {"__builtin__", "bytearray"},
    {"__builtin__", "complex"},
    {"torch", "device"},
    {"torch", "Size"},
    {"torch", "float16"},
    {"torch", "bfloat16"},
    {"torch", "float32"},
    {"torch", "float64"},
    {"torch", "int64"},
    {"torch.serialization", "_get_layout"},
    {"yacs.config", "CfgNode"},
    {"omegaconf.dictconfig", "DictConfig"},
    {"omegaconf.listconfig", "ListConfig"},
    {"omegaconf.base", ""},
    {"omegaconf.nodes", ""},
    {"typing", "Any"},
};
constexpr int64_t kHarmlessFunction = -1;  // of a Value of kind kFunction

bool IsHarmless(std::string_view module, std::string_view name) {
  for (const auto& [known_module, known_name] : kHarmless) {
    if (module == known_module && (known_name[0] == '\0' || name == known_name)) return true;
  }
  return false;
}

FunctionRole RoleOf(int64_t function) {
  return function == kHarmlessFunction ? kOpaque : kFunctions[function].role;
}

}  // namespace

void PickleMachine::PushFunction(std::string_view module, std::string_view name) {
  for (size_t i = 0; i < std::size(kFunctions); ++i) {
    if (module == kFunctions[i].module && name == kFunctions[i].name)
      return Push(Kind::kFunction, static_cast<int64_t>(i));
  }
  if (IsHarmless(module, name)) return Push(Kind::kFunction, kHarmlessFunction);
  Fail("names the function " + Quoted(std::string(module) + "." + std::string(name)) +
       ", which no file of tensors needs: refused, nothing was run. Where it is a class of the training "
       "program, "
       "save the tensors alone: torch.save(model.state_dict(), path)");
}

std::vector<int64_t> PickleMachine::Ints(Value value) const {
  const std::vector<Value>& items = Tuple(value);
  if (items.size() > kMaxRank) Fail("makes a tensor of " + std::to_string(items.size()) + " dimensions");
  std::vector<int64_t> result;
  for (const Value item : items) result.push_back(Int(item));
  return result;
}

// ('storage', type, key, location, number of elements[, None])
void PickleMachine::PersistentId() {
  const std::vector<Value>& id = Tuple(PopKind(Kind::kTuple));
  if (id.size() < 5 || id.size() > 6 || Text(id[0]) != "storage")
    Fail("has an external object that is not a storage");
  if (id.size() == 6 && id[5].kind != Kind::kNone)
    Fail("has a storage that is a view of another: not supported");
  if (id[1].kind != Kind::kFunction || RoleOf(id[1].data) != kStorageType) Fail("has a storage without type");
  PickledTensor storage;
  storage.type = kFunctions[id[1].data].type;
  storage.storage_key = std::string(Text(id[2]));
  storage.storage_size = Int(id[4]);
  if (storage.storage_key.size() > 64) Fail("has a storage key of more than 64 characters");
  if (storage.storage_size < 0) Fail("has a storage of negative size");
  Push(Kind::kStorage, static_cast<int64_t>(storages_.size()));
  storages_.push_back(std::move(storage));
}

void PickleMachine::Reduce() {
  const std::vector<Value>& arguments = Tuple(PopKind(Kind::kTuple));
  switch (RoleOf(PopKind(Kind::kFunction).data)) {
    case kOpaque:
      Push(Kind::kOpaque);
      break;
    case kDict:  // a default factory, or what follows as items
      Push(Kind::kDict, static_cast<int64_t>(dicts_.size()));
      dicts_.emplace_back().ordered = true;
      break;
    case kOrderedDict:
      if (!arguments.empty()) Fail("makes an OrderedDict with arguments: not supported");
      Push(Kind::kDict, static_cast<int64_t>(dicts_.size()));
      dicts_.emplace_back().ordered = true;
      break;
    case kRebuildTensor:
      RebuildTensor(arguments);
      break;
    case kRebuildParameter:  // (tensor, requires_grad, hooks)
      if (arguments.empty() || arguments[0].kind != Kind::kTensor) Fail("makes a parameter of no tensor");
      stack_.push_back(arguments[0]);
      break;
    case kStorageType:
      Fail("makes a storage inside the pickle: not supported");
  }
}

// (storage, offset, shape, strides, requires_grad, hooks[, metadata])
void PickleMachine::RebuildTensor(const std::vector<Value>& arguments) {
  if (arguments.size() < 4 || arguments.size() > 7 || arguments[0].kind != Kind::kStorage) {
    Fail("makes a tensor of something that is not a storage");
  }
  PickledTensor tensor = storages_[static_cast<size_t>(arguments[0].data)];
  tensor.offset = Int(arguments[1]);
  tensor.shape = Ints(arguments[2]);
  tensor.strides = Ints(arguments[3]);
  if (tensor.shape.size() != tensor.strides.size())
    Fail("makes a tensor with more sizes than strides or fewer");
  Push(Kind::kTensor, static_cast<int64_t>(tensors_.size()));
  tensors_.push_back(std::move(tensor));
}

// Attributes. A state dict has one, its modules' versions, of no use here; others could only be for code.
void PickleMachine::Build() {
  const Value state = Pop();
  if (Top().kind == Kind::kOpaque) return;
  if (state.kind != Kind::kDict) Fail("has a value of the wrong kind");
  const Value& object = Top();
  if (object.kind != Kind::kDict || !dicts_[static_cast<size_t>(object.data)].ordered) {
    Fail("gives attributes to something that is not a state dict: refused, nothing was run");
  }
  for (const auto& item : dicts_[static_cast<size_t>(state.data)].items) {
    if (Text(item.first) != "_metadata") {
      Fail("gives the state dict the attribute " + Quoted(Text(item.first)) + ", expected only '_metadata'");
    }
  }
}

// cls.__new__(cls, *args): a dictionary, or something opaque.
void PickleMachine::MakeObject() {
  PopKind(Kind::kTuple);
  const FunctionRole role = RoleOf(PopKind(Kind::kFunction).data);
  if (role == kOpaque) return Push(Kind::kOpaque);
  if (role != kDict && role != kOrderedDict) Fail("makes an object of a function that makes none");
  Push(Kind::kDict, static_cast<int64_t>(dicts_.size()));
  dicts_.emplace_back().ordered = true;
}

std::vector<PickledDict> PickleMachine::TakeDicts() const {
  constexpr size_t kMaxDepth = 6;
  struct Visit {
    Value value;
    std::string path;
    size_t depth;
  };
  std::vector<PickledDict> result;
  std::set<std::pair<Kind, int64_t>> seen;  // a dictionary may hold itself
  std::vector<Visit> todo = {{stack_[0], "", 0}};
  for (size_t next = 0; next < todo.size(); ++next) {
    const Visit visit = todo[next];
    const auto go_into = [&](const Value& value, const std::string& name) {
      const bool holds = value.kind == Kind::kDict || value.kind == Kind::kList || value.kind == Kind::kTuple;
      if (holds && visit.depth < kMaxDepth)
        todo.push_back({value, visit.path.empty() ? name : visit.path + "." + name, visit.depth + 1});
    };
    if (!seen.insert({visit.value.kind, visit.value.data}).second) continue;
    if (visit.value.kind == Kind::kList || visit.value.kind == Kind::kTuple) {
      const auto index = static_cast<size_t>(visit.value.data);
      const auto& values = visit.value.kind == Kind::kList ? lists_[index] : tuples_[index];
      for (size_t i = 0; i < values.size(); ++i) go_into(values[i], std::to_string(i));
    }
    if (visit.value.kind != Kind::kDict) continue;
    PickledDict dict;
    dict.path = visit.path;
    for (const auto& [key, value] : dicts_[static_cast<size_t>(visit.value.data)].items) {
      if (key.kind != Kind::kText) continue;  // optimizers number their parameters
      const std::string name(Text(key));
      if (value.kind == Kind::kTensor) {
        if (!dict.tensors.emplace(name, tensors_[static_cast<size_t>(value.data)]).second)
          Fail("has " + Quoted(name) + " twice");
        continue;
      }
      dict.others.push_back(name);
      go_into(value, name);
    }
    if (!dict.tensors.empty()) result.push_back(std::move(dict));
  }
  return result;
}

std::map<std::string, ScalarType> PickleMachine::StorageTypes() const {
  std::map<std::string, ScalarType> types;
  for (const PickledTensor& storage : storages_) types[storage.storage_key] = storage.type;
  return types;
}

std::map<std::string, PickledTensor> PickleMachine::TakeStateDict() const {
  if (stack_[0].kind != Kind::kDict) Fail("holds no dictionary: expected a state_dict, names to tensors");
  std::map<std::string, PickledTensor> result;
  for (const auto& [key, value] : dicts_[static_cast<size_t>(stack_[0].data)].items) {
    const std::string name(Text(key));
    if (value.kind != Kind::kTensor) {
      Fail("entry " + Quoted(name) +
           " is not a tensor: expected a plain state_dict, as torch.save(net.state_dict()) writes");
    }
    if (!result.emplace(name, tensors_[static_cast<size_t>(value.data)]).second)
      Fail("has " + Quoted(name) + " twice");
  }
  return result;
}

std::vector<std::string> PickleMachine::TakeTextList() const {
  if (stack_[0].kind != Kind::kList) Fail("holds no list where one is needed");
  std::vector<std::string> result;
  for (const Value value : lists_[static_cast<size_t>(stack_[0].data)]) result.emplace_back(Text(value));
  return result;
}

bool PickleMachine::IsTrue(std::string_view key) const {
  if (stack_[0].kind != Kind::kDict) Fail("holds no dictionary where one is needed");
  for (const auto& [name, value] : dicts_[static_cast<size_t>(stack_[0].data)].items) {
    if (name.kind == Kind::kText && Text(name) == key) return value.kind == Kind::kBool && value.data == 1;
  }
  return false;
}

}  // namespace colmatch
