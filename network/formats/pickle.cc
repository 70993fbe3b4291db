// The pickle machine; see pickle.h. Its instructions are in pickle_steps.cc.
#include "network/formats/pickle.h"

#include <charconv>
#include <system_error>

#include "util/error.h"

namespace colmatch {
namespace {

constexpr size_t kMaxInstructions = 1'000'000;  // a SuperGlue of 9 layer pairs has about 10 000

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
