// Workers side by side: who works, in which order, and what becomes of errors. The CPU named several times
// stands for several GPUs.
#include "plugin/workers/device_threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "plugin/workers/engine_pool.h"
#include "plugin/workers/in_order.h"
#include "tests/message_of.h"
#include "util/error.h"

namespace colmatch {
namespace {

using testing::ElementsAre;

struct Engine {
  std::thread::id thread = std::this_thread::get_id();
  int calls = 0;
};
using Pool = EnginePool<Engine>;

std::unique_ptr<Engine> MakeEngine(torch::Device) { return std::make_unique<Engine>(); }
std::vector<torch::Device> Cpus(size_t count) { return {count, torch::kCPU}; }

// Squares of 0 to n - 1 by the pool, as far as they are handed back; the one of `broken` throws.
std::vector<int> Squares(Pool& pool, int n, int broken, std::string* error) {
  std::vector<int> squares;
  InOrder<int> results(3 * pool.size(), "wait");
  try {
    for (int i = 0; i < n; ++i) {
      auto square = pool.Submit([i, broken](Engine& engine) {
        ++engine.calls;
        if (i == broken) throw EnvironmentError("number " + std::to_string(i));
        if (i % 3 == 0) std::this_thread::yield();
        return i * i;
      });
      results.Add(std::move(square), [&](int value) { squares.push_back(value); });
    }
    results.Finish();
  } catch (const EnvironmentError& caught) {
    *error += caught.what();
  }
  results.Finish();  // says nothing more
  return squares;
}

std::vector<int> FirstSquares(int n) {
  std::vector<int> squares;
  for (int i = 0; i < n; ++i) squares.push_back(i * i);
  return squares;
}

TEST(WorkersOn, AreAsManyAsWantedOnTheCpuAndTwoOnEachGpuNeighboursApart) {
  const torch::Device cpu(torch::kCPU), gpu0(torch::kCUDA, 0), gpu3(torch::kCUDA, 3);
  EXPECT_THAT(WorkersOn({cpu}, 1), ElementsAre(cpu));
  EXPECT_THAT(WorkersOn({cpu}, 3), ElementsAre(cpu, cpu, cpu));
  EXPECT_THAT(WorkersOn({gpu3}, 5), ElementsAre(gpu3, gpu3));
  EXPECT_THAT(WorkersOn({gpu0, gpu3}, 5), ElementsAre(gpu0, gpu3, gpu0, gpu3));
}

TEST(EnginePool, OfOneEngineWorksAtOnceInTheCallersThread) {
  Pool pool(Cpus(1), MakeEngine);
  EXPECT_EQ(pool.front().thread, std::this_thread::get_id());
  bool done = false;
  auto thread = pool.Submit([&](Engine&) {
    done = true;
    return std::this_thread::get_id();
  });
  EXPECT_TRUE(done);
  EXPECT_EQ(thread.get(), std::this_thread::get_id());
}

TEST(EnginePool, EachEngineIsMadeAndUsedInOneThreadOfItsOwn) {
  Pool pool(Cpus(3), MakeEngine);
  std::vector<std::future<std::pair<std::thread::id, std::thread::id>>> all;
  for (int i = 0; i < 100; ++i)
    all.push_back(pool.Submit([](Engine& engine) {
      ++engine.calls;
      return std::make_pair(engine.thread, std::this_thread::get_id());
    }));
  for (auto& one : all) {
    const auto [made, used] = one.get();
    EXPECT_EQ(made, used);
    EXPECT_NE(used, std::this_thread::get_id());
  }
}

TEST(EnginePool, AllEnginesWorkAtOnce) {
  Pool pool(Cpus(3), MakeEngine);
  std::atomic<int> there{0};
  std::vector<std::future<void>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(pool.Submit([&](Engine&) {
      ++there;
      while (there < 3) std::this_thread::yield();  // for ever, were one of them to come later
    }));
  for (auto& one : all) one.get();
}

TEST(EnginePool, ResultsComeInOrderHoweverManyEnginesThereAre) {
  for (const size_t engines : {1, 2, 3, 20}) {
    Pool pool(Cpus(engines), MakeEngine);
    for (const int n : {0, 1, 2, 7, 200}) {
      std::string error;
      EXPECT_EQ(Squares(pool, n, -1, &error), FirstSquares(n)) << engines;
      EXPECT_EQ(error, "");
    }
  }
}

TEST(EnginePool, AnErrorComesOnceInItsPlaceAndNothingHangs) {
  for (int round = 0; round < 300; ++round) {
    const int broken = round % 40;
    Pool pool(Cpus(1 + round % 4), MakeEngine);
    std::string error;
    EXPECT_EQ(Squares(pool, 40, broken, &error), FirstSquares(broken));
    EXPECT_EQ(error, "number " + std::to_string(broken));
  }
}

TEST(EnginePool, AnErrorInWhatIsDoneWithAResultEndsItToo) {
  Pool pool(Cpus(2), MakeEngine);
  InOrder<int> results(6, "wait");
  int handed_back = 0;
  const auto refuse_the_second = [&](int) {
    if (++handed_back == 2) throw InputError("the second");
  };
  EXPECT_EQ(MessageOf<InputError>([&] {
              for (int i = 0; i < 20; ++i)
                results.Add(pool.Submit([](Engine&) { return 1; }), refuse_the_second);
              results.Finish();
            }),
            "the second");
  results.Finish();
  EXPECT_EQ(handed_back, 2);
}

TEST(EnginePool, AnEngineThatCannotBeMadeIsTheErrorOfMakingThePool) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> made{0};
    const auto make = [&](torch::Device) {
      if (++made == 2) throw UsageError("no second engine");
      return std::make_unique<Engine>();
    };
    EXPECT_EQ(MessageOf<UsageError>([&] { Pool pool(Cpus(2 + round % 3), make); }), "no second engine");
  }
}

TEST(EnginePool, ItsEndDropsWhatWasNotBegunAndWaitsForWhatWas) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> begun{0}, ended{0};
    std::vector<std::future<void>> all;
    {
      Pool pool(Cpus(2), MakeEngine);
      for (int i = 0; i < 50; ++i)
        all.push_back(pool.Submit([&](Engine&) {
          ++begun;
          std::this_thread::yield();
          ++ended;
        }));
    }
    EXPECT_EQ(begun, ended);
    int done = 0;
    for (auto& one : all) {
      try {
        one.get();  // does not wait: it was done or dropped
        ++done;
      } catch (const std::future_error&) {
      }
    }
    EXPECT_EQ(done, ended);
  }
}

}  // namespace
}  // namespace colmatch
