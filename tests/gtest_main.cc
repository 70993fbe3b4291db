// Runs all tests of one folder. Each test starts from the same seed, so a failure repeats alone.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/test_seed.h"

namespace {

class ReseedBeforeEachTest : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override { colmatch::ReseedForTest(); }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new ReseedBeforeEachTest);
  return RUN_ALL_TESTS();
}
