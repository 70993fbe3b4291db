// The building and its square; see demo_building.h. All lengths are metres.
#include "plugin/demo/demo_building.h"

#include <array>
#include <cmath>

namespace colmatch {
namespace {

constexpr float kWidth = static_cast<float>(kBuildingWidth_m), kHeight = 7.5F, kSquare = 34;

const cv::Scalar kStone(158, 178, 190), kBrick(80, 94, 164), kWood(70, 104, 142), kGreen(74, 92, 48);

DemoFrame Upright(const cv::Vec3f& origin, float turn) {
  const float c = std::cos(turn), s = std::sin(turn);
  return {origin, {cv::Vec3f{c, s, 0}, cv::Vec3f{0, 0, 1}, cv::Vec3f{s, -c, 0}}};
}

// The same paint wherever it is used: DemoScene gives every face a seed of its own.
DemoPainter Always(const DemoPainter& paint, uint64_t seed) {
  return [paint, seed](DemoCanvas& canvas) {
    canvas.rng = cv::RNG(seed * 0x9E3779B97F4A7C15ull + 1);
    paint(canvas);
  };
}

// One of the four sides; u runs along it from its left end, w out of the wall.
class Side {
 public:
  explicit Side(int number) {
    const float turn = static_cast<float>(number * CV_PI / 2);
    group_.frame = Upright({0, 0, 0}, turn);
    const cv::Vec3f out = group_.frame.axes[2], along = group_.frame.axes[0];
    group_.frame.origin = (out - along) * (kWidth / 2);
  }
  void Add(float u, float bottom, float width, float height, float depth, const DemoPainter& paint) {
    const DemoPainter same = Always(paint, ++count_);
    group_.boxes.push_back(
        {{u - width / 2, bottom, -0.05F}, {u + width / 2, bottom + height, depth}, same, same, 0, {}});
  }
  void Wall() {
    const DemoPainter bricks = Always(PaintBricks(kBrick), 1000);
    group_.boxes.push_back({{0, 0, -0.5F}, {kWidth, kHeight, 0}, bricks, bricks, 0, {}});
  }
  DemoGroup Group() const { return group_; }

 private:
  DemoGroup group_;
  uint64_t count_ = 0;
};

DemoGroup MakeSide(int number) {
  Side side(number);
  side.Wall();
  side.Add(kWidth / 2, 0, kWidth, 0.6F, 0.08F, PaintAshlar(kStone, 0.7));
  side.Add(kWidth / 2, 3.5F, kWidth, 0.24F, 0.14F, PaintAshlar(kStone, 1.1));
  side.Add(kWidth / 2, kHeight - 0.3F, kWidth, 0.3F, 0.4F, PaintAshlar(kStone, 0.9));
  for (const float u : {1.4F, 3.4F, 7.6F, 9.6F}) {
    for (const float bottom : {1.1F, 4.4F}) {
      side.Add(u, bottom, 1.1F, 1.7F, 0.06F, PaintWindow());
      side.Add(u, bottom - 0.14F, 1.35F, 0.14F, 0.2F, PaintAshlar(kStone, 0.5));
    }
  }
  side.Add(kWidth / 2, 4.4F, 1.3F, 1.7F, 0.06F, PaintWindow());
  side.Add(kWidth / 2, 0.05F, 1.5F, 2.6F, 0.1F, PaintDoor(kGreen));
  side.Add(kWidth / 2, 2.75F, 2.2F, 0.5F, 0.12F, PaintSign("MUSEUM", {86, 66, 34}));
  side.Add(2.4F, 1.4F, 0.7F, 1.0F, 0.05F, PaintPoster());
  side.Add(8.6F, 1.4F, 0.7F, 1.0F, 0.05F, PaintPoster());
  return side.Group();
}

void Put(DemoGroup& group, float width, float bottom, float height, float depth, const DemoPainter& paint) {
  group.boxes.push_back(
      {{-width / 2, bottom, -depth / 2}, {width / 2, bottom + height, depth / 2}, paint, paint, 0, {}});
}

// What stands on the square, at random places between the building and the photographers.
std::vector<DemoGroup> Furniture(cv::RNG& rng) {
  std::vector<DemoGroup> groups;
  for (int k = 0; k < 28; ++k) {
    const double angle = (k + rng.uniform(-0.3, 0.3)) * 2 * CV_PI / 28, away = rng.uniform(9.0, 11.5);
    DemoGroup group{
        Upright({static_cast<float>(away * std::sin(angle)), static_cast<float>(-away * std::cos(angle)), 0},
                static_cast<float>(rng.uniform(0.0, 2 * CV_PI))),
        {},
        {},
        {}};
    const float size = static_cast<float>(rng.uniform(0.5, 1.1));
    switch (rng.uniform(0, 4)) {
      case 0:
        Put(group, size, 0, size, size, PaintPlanks(kWood, 0.18));
        break;
      case 1:
        Put(group, size, 0, 0.4F, size, PaintPlanks(kWood, 0.16));
        Put(group, size * 0.9F, 0.4F, 0.7F, size * 0.9F,
            PaintFoliage({rng.uniform(40.0, 220.0), rng.uniform(40.0, 220.0), rng.uniform(60.0, 240.0)}));
        break;
      case 2:
        Put(group, 0.9F, 0.1F, 1.3F, 0.12F, PaintPoster());
        break;
      default:
        Put(group, 0.6F, 0, 1.6F * size, 0.6F, PaintAshlar(kStone, 0.4));
    }
    groups.push_back(group);
  }
  return groups;
}

// Houses around the square, each its own.
std::vector<DemoGroup> Houses(cv::RNG& rng) {
  std::vector<DemoGroup> groups;
  constexpr int kHouses = 24;
  for (int k = 0; k < kHouses; ++k) {
    const double angle = k * 2 * CV_PI / kHouses;
    const cv::Vec3f place(static_cast<float>(kSquare * std::sin(angle)),
                          static_cast<float>(-kSquare * std::cos(angle)), 0);
    DemoGroup house{Upright(place, static_cast<float>(angle + CV_PI)), {}, {}, {}};
    const cv::Scalar colour(rng.uniform(60.0, 210.0), rng.uniform(80.0, 210.0), rng.uniform(90.0, 220.0));
    const float height = static_cast<float>(rng.uniform(5.0, 13.0));
    Put(house, 8.4F, 0, height, 3, rng.uniform(0, 2) == 0 ? PaintPlaster(colour) : PaintBricks(colour));
    const int columns = rng.uniform(2, 5);
    for (int c = 0; c < columns; ++c) {
      for (float bottom = 1; bottom + 2 < height; bottom += static_cast<float>(rng.uniform(2.4, 3.4))) {
        const float u = (static_cast<float>(c) + 0.5F) / static_cast<float>(columns) * 8 - 4;
        house.boxes.push_back(
            {{u - 0.6F, bottom, 1.4F}, {u + 0.6F, bottom + 1.5F, 1.6F}, PaintWindow(), PaintWindow(), 0, {}});
      }
    }
    groups.push_back(house);
  }
  return groups;
}

}  // namespace

std::vector<DemoGroup> BuildFourSides(uint64_t seed) {
  cv::RNG rng(seed ^ 0xB01D1A6ull);
  DemoGroup ground;  // its "front" is the pavement: w is up
  ground.boxes.push_back(
      {{-kSquare, -kSquare, -0.5F}, {kSquare, kSquare, 0}, PaintPaving(), PaintPaving(), 0, {}});
  DemoGroup roof;
  roof.boxes.push_back({{-kWidth / 2, -kWidth / 2, kHeight - 0.1F},
                        {kWidth / 2, kWidth / 2, kHeight},
                        PaintRoofTiles(kBrick),
                        PaintPlanks(kWood, 0.2),
                        0,
                        {}});
  std::vector<DemoGroup> groups = {ground, roof};
  for (int side = 0; side < 4; ++side) groups.push_back(MakeSide(side));
  for (const DemoGroup& group : Furniture(rng)) groups.push_back(group);
  for (const DemoGroup& group : Houses(rng)) groups.push_back(group);
  return groups;
}

}  // namespace colmatch
