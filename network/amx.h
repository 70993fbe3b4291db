// Intel's Advanced Matrix Extensions: whether this process may use them.
#pragma once

namespace colmatch {

// The processor multiplies tiles in bf16 and 8-bit integers (AMX-TILE, AMX-BF16, AMX-INT8), the operating
// system keeps them, and this process was granted them; asked for once.
bool HasAmx();

}  // namespace colmatch
