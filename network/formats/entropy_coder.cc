// Entropy coding; see entropy_coder.h.
#include "network/formats/entropy_coder.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "util/error.h"

namespace colmatch {
namespace {

constexpr int kScaleBits = 12;
constexpr uint32_t kScale = 1u << kScaleBits;
constexpr uint32_t kLowest = 1u << 23;  // the state stays in [kLowest, 256 kLowest)

struct Frequencies {
  std::array<uint32_t, 256> frequency{};  // sum kScale
  std::array<uint32_t, 256> start{};      // sum of those before

  void SumUp() {
    uint32_t sum = 0;
    for (size_t s = 0; s < 256; ++s) {
      start[s] = sum;
      sum += frequency[s];
    }
  }
};

// Proportional to the counts, at least 1 where a symbol occurs, in sum kScale.
Frequencies Normalize(const std::array<uint64_t, 256>& counts) {
  const uint64_t total = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  Frequencies table;
  int64_t left = kScale;
  for (size_t s = 0; s < 256; ++s) {
    if (counts[s] == 0) continue;
    table.frequency[s] = static_cast<uint32_t>(std::max<uint64_t>(1, counts[s] * kScale / total));
    left -= table.frequency[s];
  }
  // What rounding left or took too much comes off the most frequent, where it matters least.
  while (left != 0) {
    auto& most = *std::max_element(table.frequency.begin(), table.frequency.end());
    const int64_t most_taken = std::min<int64_t>(-1, 1 - static_cast<int64_t>(most) / 2);
    const int64_t change = left > 0 ? left : std::max(left, most_taken);
    most = static_cast<uint32_t>(most + change);
    left -= change;
  }
  table.SumUp();
  return table;
}

void PutBytes(std::string& bytes, uint32_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

// Reads little-endian numbers off the front.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  uint32_t Take(int count) {
    if (bytes_.size() < static_cast<size_t>(count))
      throw WeightsError(where_ + ": its coded values are cut off");
    uint32_t value = 0;
    for (int i = 0; i < count; ++i)
      value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes_[i])) << (8 * i);
    bytes_.remove_prefix(static_cast<size_t>(count));
    return value;
  }
  bool IsEmpty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  const std::string& where_;
};

Frequencies ReadFrequencies(Reader& reader, const std::string& where) {
  const auto damaged = [&] { return WeightsError(where + ": its table of frequencies is damaged"); };
  Frequencies table;
  uint32_t sum = 0;
  int last = -1;
  for (uint32_t left = reader.Take(2); left > 0; --left) {
    const auto symbol = static_cast<int>(reader.Take(1));
    const uint32_t frequency = reader.Take(2);
    if (symbol <= last || frequency == 0 || frequency > kScale) throw damaged();
    table.frequency[static_cast<size_t>(symbol)] = frequency;
    sum += frequency;
    last = symbol;
  }
  if (sum != kScale) throw damaged();
  table.SumUp();
  return table;
}

}  // namespace

std::string EncodeSymbols(const std::vector<uint8_t>& symbols) {
  std::array<uint64_t, 256> counts{};
  for (const uint8_t s : symbols) ++counts[s];
  if (symbols.empty()) counts[0] = 1;
  const Frequencies table = Normalize(counts);

  // Last symbol first, as the coder is a stack.
  std::string reversed;
  uint32_t state = kLowest;
  for (auto s = symbols.rbegin(); s != symbols.rend(); ++s) {
    const uint32_t frequency = table.frequency[*s];
    for (const uint64_t limit = (uint64_t{kLowest >> kScaleBits} << 8) * frequency; state >= limit;
         state >>= 8)
      reversed.push_back(static_cast<char>(state & 0xFF));
    state = (state / frequency << kScaleBits) + state % frequency + table.start[*s];
  }

  std::string message;
  const auto used = std::count_if(counts.begin(), counts.end(), [](uint64_t n) { return n > 0; });
  PutBytes(message, static_cast<uint32_t>(used), 2);
  for (uint32_t s = 0; s < 256; ++s) {
    if (table.frequency[s] == 0) continue;
    PutBytes(message, s, 1);
    PutBytes(message, table.frequency[s], 2);
  }
  PutBytes(message, state, 4);
  message.append(reversed.rbegin(), reversed.rend());
  return message;
}

std::vector<uint8_t> DecodeSymbols(std::string_view message, uint64_t count, const std::string& where) {
  Reader reader(message, where);
  const Frequencies table = ReadFrequencies(reader, where);
  std::array<uint8_t, kScale> symbol_at{};
  for (uint32_t s = 0; s < 256; ++s) {
    std::fill_n(symbol_at.begin() + table.start[s], table.frequency[s], static_cast<uint8_t>(s));
  }
  uint32_t state = reader.Take(4);
  std::vector<uint8_t> symbols(count);
  for (uint8_t& symbol : symbols) {
    const uint32_t slot = state & (kScale - 1);
    symbol = symbol_at[slot];
    state = table.frequency[symbol] * (state >> kScaleBits) + slot - table.start[symbol];
    while (state < kLowest) state = state << 8 | reader.Take(1);
  }
  // The coder ends where the encoder began: damage nearly always shows here.
  if (state != kLowest || !reader.IsEmpty()) throw WeightsError(where + ": its coded values are damaged");
  return symbols;
}

}  // namespace colmatch
