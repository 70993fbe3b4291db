// Detection of AMX; see amx.h.
#include "network/kernels/amx.h"

#include <cstdint>

#include "network/kernels/amx_check.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace colmatch {

#if defined(__x86_64__) && defined(__linux__)

namespace {

// CPUID leaf 7, EDX.
bool ProcessorHasAmx() {
  constexpr uint32_t kBf16 = 1u << 22, kTile = 1u << 24, kInt8 = 1u << 25, kAll = kBf16 | kTile | kInt8;
  uint32_t eax, ebx, ecx, edx;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kAll) == kAll;
}

// The tiles' configuration and data are among what the system keeps of a thread (XCR0).
bool SystemKeepsTiles() {
  constexpr uint32_t kOsxsave = 1u << 27, kTiles = 1u << 17 | 1u << 18;
  uint32_t eax, ebx, ecx, edx;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & kOsxsave) == 0) return false;
  asm volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return (eax & kTiles) == kTiles;
}

// Linux gives a process the room for tiles only if it asks (5.16 and later).
bool ProcessIsGrantedTiles() {
  constexpr int64_t kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int64_t kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

AmxState StateOfAmx() {
  static const AmxState state = [] {
    if (!ProcessorHasAmx() || !SystemKeepsTiles() || !ProcessIsGrantedTiles()) return AmxState::kAbsent;
    return TilesAreRight({amx::Int8Products, amx::Bf16Products, amx::MultiplyRows, amx::ConvolveRow})
               ? AmxState::kUsed
               : AmxState::kWrong;
  }();
  return state;
}

#else

AmxState StateOfAmx() { return AmxState::kAbsent; }

#endif

}  // namespace colmatch
