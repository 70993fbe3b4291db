// Intel's Advanced Matrix Extensions: whether this process may use them.
#pragma once

namespace colmatch {

enum class AmxState {
  kAbsent,  // the processor has none, or the operating system does not keep or grant tiles
  kWrong,   // they do not give what plain loops give (amx_check.h): not used
  kUsed,
};

// The processor multiplies tiles in bf16 and 8-bit integers (AMX-TILE, AMX-BF16, AMX-INT8), the operating
// system keeps them, this process was granted them, and they give the right products; found out once.
AmxState StateOfAmx();
inline constexpr char kWrongAmxText[] = "this processor's AMX tiles give other products than plain loops";
inline bool HasAmx() { return StateOfAmx() == AmxState::kUsed; }

}  // namespace colmatch
