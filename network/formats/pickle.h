// A pickle machine that knows dictionaries, lists, tuples, numbers, text and tensors, and nothing that runs.
// What training programs put beside tensors (numbers, paths, settings, NumPy's scalars) becomes an opaque
// value.
//
// Python's pickle is a program for a stack machine (pickletools.py in CPython documents it). This one has an
// allow-list of instructions and of the functions they may name; everything else is refused by name. Its
// memory is bounded by the length of the pickle: values refer to each other by index, so there is neither
// recursion nor a cycle.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "network/formats/safetensors.h"

namespace colmatch {

// What a pickle says about a tensor; the numbers themselves lie in a storage outside of it. All counts in
// elements.
struct PickledTensor {
  std::string storage_key;
  ScalarType type = ScalarType::kF32;
  int64_t storage_size = 0;
  int64_t offset = 0;
  std::vector<int64_t> shape, strides;
};

// The tensors of one dictionary of a pickle.
struct PickledDict {
  std::string path;  // the keys that lead to it, with dots between; empty: the result itself
  std::map<std::string, PickledTensor> tensors;
  std::vector<std::string> others;  // keys of what is no tensor
};

class PickleMachine {
 public:
  // Runs the pickle at the front of `bytes`, which must outlive the machine. `where` begins error messages.
  // Throws WeightsError.
  PickleMachine(std::string_view bytes, std::string where);

  size_t size() const { return position_; }  // bytes the pickle had

  // The result, as what it is expected to be; WeightsError if it is something else.
  std::map<std::string, PickledTensor> TakeStateDict() const;
  // Every dictionary that holds tensors, the result itself or below it.
  std::vector<PickledDict> TakeDicts() const;
  // Types of all storages, by key.
  std::map<std::string, ScalarType> StorageTypes() const;
  std::vector<std::string> TakeTextList() const;
  bool IsTrue(std::string_view key) const;  // in a result that is a dictionary

 private:
  // kOpaque: something harmless that is not looked into.
  enum class Kind { kNone, kBool, kInt, kText, kTuple, kList, kDict, kFunction, kStorage, kTensor, kOpaque };
  struct Value {
    Kind kind = Kind::kNone;
    int64_t data = 0;  // the number itself, or an index into the tables below
  };
  struct Dict {
    std::vector<std::pair<Value, Value>> items;
    bool ordered = false;  // collections.OrderedDict: may have attributes
  };

  [[noreturn]] void Fail(const std::string& what) const;
  std::string_view Read(uint64_t count);
  uint64_t ReadUnsigned(size_t num_bytes);
  int64_t ReadSigned(size_t num_bytes);
  std::string_view ReadLine();
  uint64_t ReadDecimal();

  void Push(Kind kind, int64_t data = 0) { stack_.push_back({kind, data}); }
  Value Pop();
  Value PopKind(Kind kind);
  std::vector<Value> PopToMark();
  Value& Top();

  void Run();
  bool Step(unsigned char opcode);  // false: STOP
  bool StepLiteral(unsigned char opcode);
  bool StepText(unsigned char opcode);
  bool StepOldLiteral(unsigned char opcode);
  bool StepCollection(unsigned char opcode);
  bool StepMemo(unsigned char opcode);
  void PushDecimal(std::string_view line);
  void PushText(std::string_view text);
  void PushFunction(std::string_view module, std::string_view name);
  void PushTuple(std::vector<Value> values);
  void PushSlice(size_t count);
  void SetItems(const std::vector<Value>& keys_and_values);
  void Append(const std::vector<Value>& values);
  void PersistentId();
  void Reduce();
  void RebuildTensor(const std::vector<Value>& arguments);
  void Build();
  void MakeObject();

  std::string_view Text(Value value) const;
  int64_t Int(Value value) const;
  const std::vector<Value>& Tuple(Value value) const;
  std::vector<int64_t> Ints(Value value) const;

  std::string_view bytes_;
  std::string where_;
  size_t position_ = 0;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;  // stack heights
  std::unordered_map<uint64_t, Value> memo_;
  std::vector<std::string_view> texts_;
  std::vector<std::vector<Value>> tuples_, lists_;
  std::vector<Dict> dicts_;
  std::vector<PickledTensor> storages_, tensors_;
};

}  // namespace colmatch
