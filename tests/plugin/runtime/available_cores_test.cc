// The number of cores that a process may use.
#include "plugin/runtime/available_cores.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace colmatch {
namespace {

TEST(AvailableCores, AreNotMoreThanTheAffinityMaskHas) {
  int cores = 0;
  std::thread pinned([&] {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
    int first = 0;
    while (!CPU_ISSET(first, &mask)) ++first;
    CPU_ZERO(&mask);
    CPU_SET(first, &mask);
    ASSERT_EQ(sched_setaffinity(0, sizeof mask, &mask), 0);
    cores = AvailableCores();
  });
  pinned.join();
  EXPECT_EQ(cores, 1);
  EXPECT_GE(AvailableCores(), 1);
}

TEST(CpuQuotaOf, IsQuotaOverPeriodAndNothingForMax) {
  EXPECT_DOUBLE_EQ(CpuQuotaOf("150000 100000").value(), 1.5);
  EXPECT_DOUBLE_EQ(CpuQuotaOf("20000 10000\n").value(), 2);
  for (const char* text : {"max 100000", "", "-1 100000", "100000", "100000 0"})
    EXPECT_FALSE(CpuQuotaOf(text).has_value()) << text;
}

}  // namespace
}  // namespace colmatch
