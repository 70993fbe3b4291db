// Entropy coding of small symbols: asymmetric numeral systems (Duda 2013) with one table of frequencies for
// the whole message, in the byte-wise form. Within a percent of the entropy where symbols are independent, as
// those of quantized weights nearly are. Without LibTorch.
//
// A message is: how many symbols occur (u16), each with its frequency of 4,096 (u8, u16), the final state of
// the coder (u32), its bytes; little-endian.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace colmatch {

std::string EncodeSymbols(const std::vector<uint8_t>& symbols);

// Takes exactly `count` symbols; the caller bounds it, as a message of one repeated symbol has no bytes.
// Throws WeightsError starting with `where` for a message that is damaged, too short or too long.
std::vector<uint8_t> DecodeSymbols(std::string_view message, uint64_t count, const std::string& where);

}  // namespace colmatch
