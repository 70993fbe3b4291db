// Local affine maps, every path of this machine.
#include "matcher/guidance/local_fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "network/kernels/simd.h"
#include "tests/test_seed.h"

namespace colmatch {
namespace {

float Uniform(float least, float most) {
  return std::uniform_real_distribution<float>(least, most)(TestRng());
}

struct Point {
  float x = 0, y = 0;
};

Point Mapped(Point p) { return {1.1f * p.x - 0.4f * p.y + 200, 0.3f * p.x + 0.9f * p.y - 50}; }

// Points of a photo, all matched as Mapped says.
struct Scene {
  std::vector<float> points;
  std::vector<PointMatch> matches;

  explicit Scene(int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const Point p{Uniform(0, 640), Uniform(0, 480)}, q = Mapped(p);
      points.insert(points.end(), {p.x, p.y});
      matches.push_back({p.x, p.y, q.x, q.y, Uniform(0.3f, 1), i});
    }
  }
  int64_t size() const { return static_cast<int64_t>(points.size() / 2); }
  float DistanceToTruth(const FittedPlaces& places, size_t i) const {
    const Point q = Mapped({points[2 * i], points[2 * i + 1]});
    return std::hypot(places.x[i] - q.x, places.y[i] - q.y);
  }
};

std::vector<int> Lanes() {
  std::vector<int> lanes;
  for (int l = 4; l <= simd::BestLanes(); l *= 2) lanes.push_back(l);
  return lanes;
}

int CountSure(const FittedPlaces& places) {
  return static_cast<int>(
      std::count_if(places.precision.begin(), places.precision.end(), [](float p) { return p > 0; }));
}

TEST(FitPlaces, AnAffineMapIsFoundWhereverThePointsAre) {
  for (const int64_t n : {6, 7, 16, 17, 100, 1000}) {
    const Scene scene(n);
    for (const int lanes : Lanes()) {
      const FittedPlaces places = FitPlacesWith(lanes, scene.points.data(), n, scene.matches, {});
      ASSERT_EQ(places.x.size(), static_cast<size_t>(n));
      for (size_t i = 0; i < places.x.size(); ++i) {
        // At least a pixel of variance, and a tenth of a standard deviation away.
        EXPECT_GT(places.precision[i], 0) << n << ' ' << lanes;
        EXPECT_LE(places.precision[i], 0.5) << n << ' ' << lanes;
        EXPECT_LT(std::pow(scene.DistanceToTruth(places, i), 2) * 2 * places.precision[i], 0.01)
            << n << ' ' << lanes;
      }
    }
  }
}

TEST(FitPlaces, SomeWrongMatchesDoNotMoveThePlacesAndAPointsOwnHasNoSay) {
  Scene scene(400);
  for (size_t i = 0; i < 400; i += 5) {
    scene.matches[i].x1 = Uniform(0, 640);
    scene.matches[i].y1 = Uniform(0, 480);
  }
  const FittedPlaces places = FitPlaces(scene.points.data(), scene.size(), scene.matches, {});
  int right = 0;
  for (size_t i = 0; i < 400; ++i) right += places.precision[i] > 0 && scene.DistanceToTruth(places, i) < 1;
  EXPECT_GE(right, 360);
}

TEST(FitPlaces, NeighborsThatDoNotAgreeSayNothing) {
  Scene scene(300);
  for (PointMatch& match : scene.matches) {
    match.x1 = Uniform(0, 640);
    match.y1 = Uniform(0, 480);
  }
  EXPECT_LE(CountSure(FitPlaces(scene.points.data(), scene.size(), scene.matches, {})), 3);
}

TEST(FitPlaces, FewerMatchesThanTheLeastSayNothing) {
  for (const int64_t n : {0, 1, 4, 5}) {  // of five a point's own does not count
    const Scene scene(n);
    const FittedPlaces places = FitPlaces(scene.points.data(), n, scene.matches, {});
    EXPECT_EQ(places.x.size(), static_cast<size_t>(n));
    EXPECT_EQ(CountSure(places), 0);
  }
}

TEST(FitPlaces, MatchesAtOnePlaceOrOnALineSayNothingSureElsewhere) {
  const std::vector<float> points = {-5000, 300, 50, 120, 1e6f, -1e6f};
  std::vector<PointMatch> one_place, line;
  for (int64_t i = 0; i < 20; ++i) {
    const float t = static_cast<float>(i);
    one_place.push_back({100, 100, 300, 200, 1, 100 + i});
    line.push_back({10 * t, 20 * t, 300 + 10 * t, 20 * t, 1, 100 + i});
  }
  for (const auto& matches : {one_place, line}) {
    const FittedPlaces places = FitPlaces(points.data(), 3, matches, {});
    for (const auto* values : {&places.x, &places.y, &places.precision}) {
      for (const float value : *values) EXPECT_TRUE(std::isfinite(value));
    }
    for (const float precision : places.precision) EXPECT_LT(precision, 0.02);
  }
  const float on_line[] = {55, 110};
  EXPECT_GT(FitPlaces(on_line, 1, line, {}).precision[0], 0.3);
}

TEST(FitPlaces, TheNearestMatchesAreHeardNotFartherOnes) {
  Scene scene(500);  // on the right another map
  for (PointMatch& match : scene.matches) match.x1 += match.x0 > 320 ? 100.0f : 0.0f;
  const FittedPlaces places = FitPlaces(scene.points.data(), scene.size(), scene.matches, {});
  for (size_t i = 0; i < 500; ++i) {
    const float x = scene.points[2 * i];
    if (std::abs(x - 320) < 90) continue;
    const float q = Mapped({x, scene.points[2 * i + 1]}).x + (x > 320 ? 100.0f : 0.0f);
    EXPECT_NEAR(places.x[i], q, 0.2);
  }
}

TEST(FitPlaces, OnlyTheNearestTwelveHaveASayWhereverAPointLies) {
  for (const int64_t n : {14, 40, 700}) {
    Scene scene(n);
    for (PointMatch& match : scene.matches) {
      match.x1 += Uniform(-9, 9);
      match.y1 += Uniform(-9, 9);
    }
    scene.points[0] = -3000;  // far outside
    for (const int lanes : Lanes()) {
      const FittedPlaces places = FitPlacesWith(lanes, scene.points.data(), n, scene.matches, {});
      for (int64_t i = 0; i < n; i += 13) {
        auto nearest = scene.matches;
        const float x = scene.points[static_cast<size_t>(2 * i)],
                    y = scene.points[static_cast<size_t>(2 * i + 1)];
        nearest.erase(nearest.begin() + i);
        std::stable_sort(nearest.begin(), nearest.end(), [&](const PointMatch& a, const PointMatch& b) {
          return std::hypot(a.x0 - x, a.y0 - y) < std::hypot(b.x0 - x, b.y0 - y);
        });
        nearest.resize(12);
        const float point[] = {x, y};
        for (PointMatch& match : nearest) match.owner += 1;  // none is the lonely point's own
        const FittedPlaces alone = FitPlacesWith(lanes, point, 1, nearest, {});
        const auto p = static_cast<size_t>(i);
        EXPECT_NEAR(places.precision[p], alone.precision[0], 1e-3) << n << ' ' << lanes << ' ' << i;
        if (places.precision[p] > 0)
          EXPECT_NEAR(places.x[p], alone.x[0], 0.05) << n << ' ' << lanes << ' ' << i;
      }
    }
  }
}

TEST(GuideListed, IsGuideRowOfTheListedColumns) {
  GuidedColumns columns;
  std::vector<float> scores, all(60);
  for (size_t j = 0; j < 60; ++j) {
    for (auto* values : {&columns.x, &columns.y, &columns.places.x, &columns.places.y})
      values->push_back(Uniform(0, 8));
    columns.places.precision.push_back(j % 3 == 0 ? 0 : Uniform(0.1f, 0.5f));
    scores.push_back(Uniform(-5, 5));
  }
  const GuidedRow row{3, 4, 5, 6, 0.3f};
  for (const int lanes : Lanes()) {
    GuideRowWith(lanes, scores.data(), row, columns, {}, all.data());
    for (const size_t count : {0, 1, 5, 16, 21}) {
      std::vector<int32_t> listed;
      std::vector<float> some, guided(count);
      for (size_t k = 0; k < count; ++k) {
        listed.push_back(static_cast<int32_t>(59 - 2 * k));
        some.push_back(scores[59 - 2 * k]);
      }
      GuideListedWith(lanes, some.data(), listed.data(), static_cast<int64_t>(count), row, columns, {},
                      guided.data());
      for (size_t k = 0; k < count; ++k) EXPECT_NEAR(guided[k], all[59 - 2 * k], 1e-5);
    }
  }
}

TEST(AddRaised, CountsThePairsThatGuidanceCouldRaiseForBoth) {
  constexpr float kBonus = 3;
  const auto placed = [](size_t n) {
    FittedPlaces places;
    for (size_t i = 0; i < n; ++i) {
      places.x.push_back(Uniform(0, 640));
      places.y.push_back(Uniform(0, 480));
      places.precision.push_back(i % 4 == 0 ? 0 : Uniform(0.00005f, 0.0004f));
    }
    return places;
  };
  const Scene scene0(40), scene1(70);
  const FittedPlaces places0 = placed(40), places1 = placed(70);
  std::vector<float> rows(40), columns(70), expected_rows(40), expected_columns(70);
  AddRaised({scene0.points.data(), places0}, {scene1.points.data(), places1}, kBonus, 0.5f, rows.data(),
            columns.data());
  const auto error = [](const FittedPlaces& places, size_t i, const Scene& other, size_t j) {
    const float dx = other.points[2 * j] - places.x[i], dy = other.points[2 * j + 1] - places.y[i];
    return (dx * dx + dy * dy) * places.precision[i];
  };
  for (size_t i = 0; i < 40; ++i) {
    for (size_t j = 0; j < 70; ++j) {
      if (!(places0.precision[i] > 0) || !(error(places0, i, scene1, j) < kBonus)) continue;
      const float both = (error(places0, i, scene1, j) + error(places1, j, scene0, i)) / 2;
      if (places1.precision[j] > 0 && !(both < kBonus)) continue;
      expected_rows[i] += 0.5f;
      expected_columns[j] += 0.5f;
    }
  }
  EXPECT_EQ(rows, expected_rows);
  EXPECT_EQ(columns, expected_columns);
  EXPECT_GT(*std::max_element(rows.begin(), rows.end()), 1);
}

TEST(GuideRow, AddsTheBonusWhereBothImagesAgreeThePenaltyElsewhereAndDoubtWhereNothingIsSaid) {
  constexpr float kBonus = 3, kPenalty = 6, kDoubt = 2;
  for (const size_t m : {1, 3, 16, 17, 50}) {
    GuidedColumns columns;
    std::vector<float> scores;
    for (size_t j = 0; j < m; ++j) {
      for (auto* values : {&columns.x, &columns.y, &columns.places.x, &columns.places.y})
        values->push_back(Uniform(0, 8));
      columns.places.precision.push_back(j % 3 == 0 ? 0 : Uniform(0.1f, 0.5f));
      scores.push_back(Uniform(-5, 5));
    }
    for (const float precision : {0.0f, 0.3f}) {
      const GuidedRow row{Uniform(0, 8), Uniform(0, 8), Uniform(0, 8), Uniform(0, 8), precision};
      for (const int lanes : Lanes()) {
        std::vector<float> guided(m);
        GuideRowWith(lanes, scores.data(), row, columns, {kBonus, kPenalty, kDoubt}, guided.data());
        for (size_t j = 0; j < m; ++j) {
          const double a = row.precision * (std::pow(columns.x[j] - row.place_x, 2) +
                                            std::pow(columns.y[j] - row.place_y, 2));
          const double b = columns.places.precision[j] * (std::pow(columns.places.x[j] - row.x, 2) +
                                                          std::pow(columns.places.y[j] - row.y, 2));
          const int sides = (row.precision > 0) + (columns.places.precision[j] > 0);
          const double added = sides == 0 ? -kDoubt : std::max<double>(kBonus - (a + b) / sides, -kPenalty);
          EXPECT_NEAR(guided[j], scores[j] + added, 1e-4) << m << ' ' << lanes << ' ' << j;
        }
      }
    }
  }
}

}  // namespace
}  // namespace colmatch
