// The pickle machine; see pickle.h. Instruction names are those of CPython's pickletools.py.
#include "network/formats/pickle.h"

#include <charconv>
#include <cstdio>
#include <system_error>

#include "util/error.h"

namespace colmatch {
namespace {

constexpr size_t kMaxInstructions = 1'000'000;  // a SuperGlue of 9 layer pairs has about 10 000

enum Opcode : unsigned char {
  kProto = 0x80,
  kFrame = 0x95,
  kStop = '.',
  kMark = '(',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kFloat = 'F',
  kBinFloat = 'G',
  kInt = 'I',
  kLong = 'L',
  kLong4 = 0x8b,
  kString = 'S',
  kBinString = 'T',
  kShortBinString = 'U',
  kUnicode = 'V',
  kBinUnicode8 = 0x8d,
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8e,
  kByteArray8 = 0x96,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kDict = 'd',
  kList = 'l',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kPut = 'p',
  kGet = 'g',
  kNewObject = 0x81,
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kEmptyDict = '}',
  kEmptyList = ']',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kSetItem = 's',
  kSetItems = 'u',
  kAppend = 'a',
  kAppends = 'e',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kBinGet = 'h',
  kLongBinGet = 'j',
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kBinPersId = 'Q',
  kReduce = 'R',
  kBuild = 'b',
};

}  // namespace

PickleMachine::PickleMachine(std::string_view bytes, std::string where)
    : bytes_(bytes), where_(std::move(where)) {
  Run();
}

void PickleMachine::Fail(const std::string& what) const {
  throw WeightsError(where_ + ": pickle, byte " + std::to_string(position_) + ": " + what);
}

std::string_view PickleMachine::Read(uint64_t count) {
  if (count > bytes_.size() - position_)
    Fail("is truncated: " + std::to_string(count) + " more bytes expected");
  const std::string_view result = bytes_.substr(position_, count);
  position_ += count;
  return result;
}

uint64_t PickleMachine::ReadUnsigned(size_t num_bytes) {
  uint64_t value = 0;
  int shift = 0;
  for (const char c : Read(num_bytes)) {
    value |= uint64_t{static_cast<unsigned char>(c)} << shift;
    shift += 8;
  }
  return value;
}

int64_t PickleMachine::ReadSigned(size_t num_bytes) {
  uint64_t value = ReadUnsigned(num_bytes);
  const bool negative = num_bytes > 0 && (value >> (8 * num_bytes - 1) & 1) != 0;
  if (negative && num_bytes < 8) value |= ~uint64_t{0} << (8 * num_bytes);
  return static_cast<int64_t>(value);
}

std::string_view PickleMachine::ReadLine() {
  const size_t end = bytes_.find('\n', position_);
  if (end == std::string_view::npos) Fail("is truncated in a name");
  const std::string_view line = bytes_.substr(position_, end - position_);
  position_ = end + 1;
  return line;
}

uint64_t PickleMachine::ReadDecimal() {
  const std::string_view line = ReadLine();
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc() || end != line.data() + line.size()) Fail("has a number that is none");
  return value;
}

PickleMachine::Value& PickleMachine::Top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) Fail("takes a value from an empty stack");
  return stack_.back();
}

PickleMachine::Value PickleMachine::Pop() {
  const Value value = Top();
  stack_.pop_back();
  return value;
}

PickleMachine::Value PickleMachine::PopKind(Kind kind) {
  const Value value = Pop();
  if (value.kind != kind) Fail("has a value of the wrong kind");
  return value;
}

std::vector<PickleMachine::Value> PickleMachine::PopToMark() {
  if (marks_.empty()) Fail("has no mark where one is needed");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<Value> values(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return values;
}

std::string_view PickleMachine::Text(Value value) const {
  if (value.kind != Kind::kText) Fail("has something else where text is needed");
  return texts_[static_cast<size_t>(value.data)];
}

int64_t PickleMachine::Int(Value value) const {
  if (value.kind != Kind::kInt) Fail("has something else where a whole number is needed");
  return value.data;
}

const std::vector<PickleMachine::Value>& PickleMachine::Tuple(Value value) const {
  if (value.kind != Kind::kTuple) Fail("has something else where a tuple is needed");
  return tuples_[static_cast<size_t>(value.data)];
}

void PickleMachine::Run() {
  for (size_t i = 0; i < kMaxInstructions; ++i) {
    if (!Step(static_cast<unsigned char>(ReadUnsigned(1)))) {
      if (stack_.size() != 1 || !marks_.empty()) Fail("ends with more or less than one result");
      return;
    }
  }
  Fail("has more than " + std::to_string(kMaxInstructions) + " instructions");
}

bool PickleMachine::Step(unsigned char opcode) {
  if (StepLiteral(opcode) || StepText(opcode) || StepOldLiteral(opcode) || StepCollection(opcode) ||
      StepMemo(opcode))
    return true;
  switch (opcode) {
    case kStop:
      return false;
    case kMark:
      marks_.push_back(stack_.size());
      break;
    case kPop:
      Pop();
      break;
    case kPopMark:
      PopToMark();
      break;
    case kDup:
      stack_.push_back(Top());
      break;
    case kNewObject:
      MakeObject();
      break;
    case kGlobal: {
      const std::string_view module = ReadLine();
      PushFunction(module, ReadLine());
      break;
    }
    case kStackGlobal: {
      const Value name = Pop();
      PushFunction(Text(Pop()), Text(name));
      break;
    }
    case kBinPersId:
      PersistentId();
      break;
    case kReduce:
      Reduce();
      break;
    case kBuild:
      Build();
      break;
    default: {
      char code[8];
      std::snprintf(code, sizeof(code), "0x%02x", opcode);
      Fail(std::string("has the instruction ") + code +
           ", which no file of tensors needs: refused, nothing was run");
    }
  }
  return true;
}

// Dictionaries, lists, sets (as lists) and tuples.
bool PickleMachine::StepCollection(unsigned char opcode) {
  const auto new_dict = [this] {
    Push(Kind::kDict, static_cast<int64_t>(dicts_.size()));
    dicts_.emplace_back();
  };
  const auto new_list = [this] {
    Push(Kind::kList, static_cast<int64_t>(lists_.size()));
    lists_.emplace_back();
  };
  switch (opcode) {
    case kEmptyDict:
      new_dict();
      return true;
    case kDict: {
      const auto items = PopToMark();
      new_dict();
      SetItems(items);
      return true;
    }
    case kEmptyList:
    case kEmptySet:
      new_list();
      return true;
    case kList:
    case kFrozenSet: {
      const auto items = PopToMark();
      new_list();
      Append(items);
      return true;
    }
    case kEmptyTuple:
      PushTuple({});
      return true;
    case kTuple:
      PushTuple(PopToMark());
      return true;
    case kTuple1:
      PushSlice(1);
      return true;
    case kTuple2:
      PushSlice(2);
      return true;
    case kTuple3:
      PushSlice(3);
      return true;
    case kSetItems:
      SetItems(PopToMark());
      return true;
    case kSetItem: {
      const Value value = Pop();
      SetItems({Pop(), value});
      return true;
    }
    case kAppends:
    case kAddItems:
      Append(PopToMark());
      return true;
    case kAppend:
      Append({Pop()});
      return true;
    default:
      return false;
  }
}

// Text and bytes.
bool PickleMachine::StepText(unsigned char opcode) {
  switch (opcode) {
    case kBinUnicode:
    case kBinString:
    case kBinBytes:
      PushText(Read(ReadUnsigned(4)));
      return true;
    case kShortBinUnicode:
    case kShortBinString:
    case kShortBinBytes:
      PushText(Read(ReadUnsigned(1)));
      return true;
    case kBinUnicode8:
    case kBinBytes8:
    case kByteArray8:
      PushText(Read(ReadUnsigned(8)));
      return true;
    case kUnicode:
      PushText(ReadLine());
      return true;
    case kString: {  // 'text', with its quotes
      const std::string_view line = ReadLine();
      if (line.size() < 2 || line.front() != line.back()) Fail("has a text without quotes");
      PushText(line.substr(1, line.size() - 2));
      return true;
    }
    default:
      return false;
  }
}

// Numbers, as protocol 0 writes them, and those that are of no use here.
bool PickleMachine::StepOldLiteral(unsigned char opcode) {
  switch (opcode) {
    case kBinFloat:
      Read(8);
      Push(Kind::kOpaque);
      return true;
    case kFloat:
      ReadLine();
      Push(Kind::kOpaque);
      return true;
    case kInt:
    case kLong:
      PushDecimal(ReadLine());
      return true;
    case kLong4:
      Read(ReadUnsigned(4));
      Push(Kind::kOpaque);
      return true;
    default:
      return false;
  }
}

// "7", "7L"; "00" and "01" are False and True.
void PickleMachine::PushDecimal(std::string_view line) {
  if (line == "00" || line == "01") return Push(Kind::kBool, line == "01");
  if (!line.empty() && line.back() == 'L') line.remove_suffix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error == std::errc::result_out_of_range) return Push(Kind::kOpaque);
  if (error != std::errc() || end != line.data() + line.size()) Fail("has a number that is none");
  Push(Kind::kInt, value);
}

bool PickleMachine::StepLiteral(unsigned char opcode) {
  switch (opcode) {
    case kProto: {
      const uint64_t protocol = ReadUnsigned(1);
      if (protocol > 5) Fail("has protocol " + std::to_string(protocol) + ", expected at most 5");
      return true;
    }
    case kFrame:
      ReadUnsigned(8);
      return true;  // a hint for buffered readers
    case kNone:
      Push(Kind::kNone);
      return true;
    case kNewTrue:
      Push(Kind::kBool, 1);
      return true;
    case kNewFalse:
      Push(Kind::kBool, 0);
      return true;
    case kBinInt:
      Push(Kind::kInt, ReadSigned(4));
      return true;
    case kBinInt1:
      Push(Kind::kInt, static_cast<int64_t>(ReadUnsigned(1)));
      return true;
    case kBinInt2:
      Push(Kind::kInt, static_cast<int64_t>(ReadUnsigned(2)));
      return true;
    case kLong1: {
      const uint64_t size = ReadUnsigned(1);
      if (size <= 8) {
        Push(Kind::kInt, ReadSigned(size));
      } else {
        Read(size);
        Push(Kind::kOpaque);
      }
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::StepMemo(unsigned char opcode) {
  // A map, not an array: the largest index must cost no more than the smallest.
  const auto get = [this](uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) Fail("asks for memo " + std::to_string(index) + ", which was never stored");
    stack_.push_back(found->second);
    return true;
  };
  switch (opcode) {
    case kPut:
      memo_[ReadDecimal()] = Top();
      return true;
    case kGet:
      return get(ReadDecimal());
    case kBinPut:
      memo_[ReadUnsigned(1)] = Top();
      return true;
    case kLongBinPut:
      memo_[ReadUnsigned(4)] = Top();
      return true;
    case kMemoize:
      memo_[memo_.size()] = Top();
      return true;
    case kBinGet:
      return get(ReadUnsigned(1));
    case kLongBinGet:
      return get(ReadUnsigned(4));
    default:
      return false;
  }
}

void PickleMachine::PushText(std::string_view text) {
  Push(Kind::kText, static_cast<int64_t>(texts_.size()));
  texts_.push_back(text);
}

void PickleMachine::PushTuple(std::vector<Value> values) {
  Push(Kind::kTuple, static_cast<int64_t>(tuples_.size()));
  tuples_.push_back(std::move(values));
}

void PickleMachine::PushSlice(size_t count) {
  std::vector<Value> values(count);
  for (size_t i = count; i > 0; --i) values[i - 1] = Pop();
  PushTuple(std::move(values));
}

void PickleMachine::SetItems(const std::vector<Value>& keys_and_values) {
  if (keys_and_values.size() % 2 != 0) Fail("sets a key without a value");
  const Value& top = Top();
  if (top.kind == Kind::kOpaque) return;
  if (top.kind != Kind::kDict) Fail("sets an item of something that is not a dictionary");
  auto& items = dicts_[static_cast<size_t>(top.data)].items;
  for (size_t i = 0; i < keys_and_values.size(); i += 2)
    items.emplace_back(keys_and_values[i], keys_and_values[i + 1]);
}

void PickleMachine::Append(const std::vector<Value>& values) {
  const Value& top = Top();
  if (top.kind == Kind::kOpaque) return;
  if (top.kind != Kind::kList) Fail("appends to something that is not a list");
  auto& list = lists_[static_cast<size_t>(top.data)];
  list.insert(list.end(), values.begin(), values.end());
}

}  // namespace colmatch
