// The demo scene's architecture; see demo_courtyard.h. All lengths are metres.
#include "plugin/demo/demo_courtyard.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace colmatch {
namespace {

constexpr float kLength = 15, kHeight = 6.5f;  // of a facade
constexpr float kHalfAngle = 1.09f;            // radians between the courtyard's axis and a facade

const cv::Scalar kStone(158, 178, 190), kBrick(80, 94, 164), kOchre(130, 186, 222), kSlate(118, 98, 88);
const cv::Scalar kTerracotta(74, 98, 166), kWood(70, 104, 142), kGreen(74, 92, 48), kBlue(140, 96, 52);

DemoFrame UprightFrame(const cv::Vec3f& origin, float turn) {
  const float c = std::cos(turn), s = std::sin(turn);
  return {origin, {cv::Vec3f{c, s, 0}, cv::Vec3f{0, 0, 1}, cv::Vec3f{s, -c, 0}}};
}

// One facade; distances along it are counted from the corner of the courtyard.
class Facade {
 public:
  Facade(bool left, uint64_t seed) : left_(left), rng_(seed * 2 + (left ? 1 : 2)) {
    const float turn = float(CV_PI) / 2 - kHalfAngle;
    const cv::Vec3f far_left(-kLength * std::cos(turn), -kLength * std::sin(turn), 0);
    group_.frame = left ? UprightFrame(far_left, turn) : UprightFrame({0, 0, 0}, -turn);
  }

  // A box centred at `from_corner`, standing `depth` out of the wall.
  void Add(float from_corner, float bottom, float width, float height, float depth, const DemoPainter& front,
           const DemoPainter& sides) {
    const float u = left_ ? kLength - from_corner : from_corner;
    group_.boxes.push_back(
        {{u - width / 2, bottom, -0.05f}, {u + width / 2, bottom + height, depth}, front, sides, 0, {}});
  }
  void Add(float from_corner, float bottom, float width, float height, float depth,
           const DemoPainter& paint) {
    Add(from_corner, bottom, width, height, depth, paint, paint);
  }

  void Shell(const DemoPainter& paint);
  void Window(float from_corner, float bottom, float width, float height, const cv::Scalar& trim);
  void Shutters(float from_corner, float bottom, float width, float height, const cv::Scalar& color);
  void FlowerBox(float from_corner, float bottom, float width);
  void Balcony(float from_corner, float bottom, float width);
  void Door(float from_corner, float width, float height, const cv::Scalar& color);
  void Lamp(float from_corner, float bottom);
  void Posters(float from_corner, int columns, int rows);

  DemoGroup Group() const { return group_; }
  DemoGroup Roof(const cv::Scalar& color) const;
  DemoGroup Chimneys() const;

 private:
  float Vary(float amount) { return rng_.uniform(-amount, amount); }

  bool left_;
  cv::RNG rng_;
  DemoGroup group_;
};

void Facade::Shell(const DemoPainter& paint) {
  const DemoPainter stone = PaintAshlar(kStone, 0.7);
  group_.boxes.push_back({{0, 0, -0.6f}, {kLength, kHeight, 0}, paint, stone, 0, {}});
  Add(kLength / 2, 0, kLength, 0.62f, 0.09f, stone);
  Add(kLength / 2, 3.25f, kLength, 0.24f, 0.14f, PaintAshlar(kStone, 1.1));
  Add(kLength / 2, kHeight - 0.22f, kLength, 0.22f, 0.42f, PaintAshlar(kStone, 0.9));
  for (float d = 0.3f; d < kLength; d += 0.52f) {
    Add(d + Vary(0.02f), kHeight - 0.42f, 0.2f, 0.2f, 0.26f, PaintAshlar(kStone, 0.5));
  }
  for (int i = 0; i < 13; ++i) {  // quoins
    const float width = i % 2 ? 0.7f : 0.45f;
    Add(width / 2, 0.64f + 0.42f * float(i), width, 0.4f, 0.06f + Vary(0.012f), PaintAshlar(kStone, 0.9));
  }
}

void Facade::Window(float from_corner, float bottom, float width, float height, const cv::Scalar& trim) {
  const DemoPainter stone = PaintAshlar(trim, 0.6);
  const float bar = 0.13f;
  Add(from_corner, bottom, width, height, 0.012f, PaintWindow());
  Add(from_corner - width / 2 - bar / 2, bottom, bar, height, 0.1f, stone);
  Add(from_corner + width / 2 + bar / 2, bottom, bar, height, 0.1f, stone);
  Add(from_corner, bottom + height, width + 2 * bar, 0.2f, 0.13f, stone);
  Add(from_corner, bottom + height + 0.2f, width + 0.5f, 0.09f, 0.24f + Vary(0.03f), stone);
  Add(from_corner, bottom - 0.12f, width + 0.42f, 0.12f, 0.22f, stone);
}

void Facade::Shutters(float from_corner, float bottom, float width, float height, const cv::Scalar& color) {
  for (const float side : {-1.0f, 1.0f}) {
    Add(from_corner + side * (width * 0.75f + 0.16f), bottom + Vary(0.01f), width / 2, height, 0.05f,
        PaintPlanks(color, 0.085));
  }
}

void Facade::FlowerBox(float from_corner, float bottom, float width) {
  static const cv::Scalar kFlowers[] = {{60, 50, 220}, {200, 120, 210}, {90, 200, 245}, {240, 240, 245}};
  Add(from_corner, bottom, width, 0.2f, 0.34f, PaintPlanks(kWood, 0.1));
  Add(from_corner + Vary(0.04f), bottom + 0.2f, width * 0.94f, 0.22f + Vary(0.05f), 0.38f,
      PaintFoliage(kFlowers[rng_.uniform(0, 4)]));
}

void Facade::Balcony(float from_corner, float bottom, float width) {
  Add(from_corner, bottom - 0.16f, width, 0.16f, 0.95f, PaintAshlar(kStone, 0.6));
  Add(from_corner, bottom, width - 0.06f, 0.8f, 0.9f, PaintRailing(), PaintRailing());
  for (const float side : {-1.0f, 1.0f}) {
    Add(from_corner + side * (width / 2 - 0.25f), bottom - 0.55f, 0.16f, 0.4f, 0.6f,
        PaintAshlar(kStone, 0.4));
  }
}

void Facade::Door(float from_corner, float width, float height, const cv::Scalar& color) {
  const DemoPainter stone = PaintAshlar(kStone, 0.5);
  Add(from_corner, 0.3f, width, height - 0.3f, 0.02f, PaintDoor(color));
  for (const float side : {-1.0f, 1.0f}) {
    Add(from_corner + side * (width / 2 + 0.14f), 0, 0.28f, height, 0.2f, stone);
  }
  Add(from_corner, height, width + 0.7f, 0.3f, 0.26f, stone);
  Add(from_corner, height + 0.3f, width + 0.95f, 0.1f, 0.38f, stone);
  Add(from_corner, 0, width + 0.9f, 0.15f, 0.85f, stone);
  Add(from_corner, 0.15f, width + 0.4f, 0.15f, 0.5f, stone);
}

void Facade::Lamp(float from_corner, float bottom) {
  const DemoPainter iron = PaintSign("", {40, 42, 46});
  Add(from_corner, bottom + 0.5f, 0.06f, 0.06f, 0.5f, iron);
  Add(from_corner, bottom, 0.05f, 0.05f, 0.1f, iron);
  const float u = left_ ? kLength - from_corner : from_corner;
  group_.boxes.push_back({{u - 0.14f, bottom, 0.3f},
                          {u + 0.14f, bottom + 0.46f, 0.58f},
                          PaintSign("", {120, 205, 235}),
                          PaintSign("", {110, 190, 220}),
                          0,
                          {}});
}

void Facade::Posters(float from_corner, int columns, int rows) {
  for (int c = 0; c < columns; ++c) {
    for (int r = 0; r < rows; ++r) {
      Add(from_corner + 0.66f * (float(c) - 0.5f * float(columns - 1)) + Vary(0.04f),
          0.8f + 0.86f * float(r) + Vary(0.04f), 0.58f, 0.78f, 0.015f, PaintPoster());
    }
  }
}

DemoGroup Facade::Roof(const cv::Scalar& color) const {
  const DemoFrame& wall = group_.frame;
  const float c = std::cos(0.75f), s = std::sin(0.75f);
  DemoGroup roof;
  roof.frame.axes = {wall.axes[0], wall.axes[1] * s - wall.axes[2] * c, wall.axes[1] * c + wall.axes[2] * s};
  roof.frame.origin = wall.ToWorld({0, kHeight + 0.05f, 0.47f});
  // The two roofs run on into each other; each is kept on its own side of the valley between them.
  const float begin = left_ ? 0 : -4, end = left_ ? kLength + 4 : kLength;
  roof.boxes.push_back({{begin, 0, -0.12f},
                        {end, 2.3f, 0},
                        PaintRoofTiles(color),
                        PaintPlanks(kWood, 0.2),
                        left_ ? -1 : 1,
                        {}});
  return roof;
}

DemoGroup Facade::Chimneys() const {
  DemoGroup chimneys{group_.frame, {}, {}, {}};
  for (const float d : {4.2f, 9.5f}) {
    const float u = left_ ? kLength - d : d + 1.1f;
    chimneys.boxes.push_back({{u - 0.45f, kHeight - 0.5f, -1.5f},
                              {u + 0.45f, kHeight + 2.3f, -0.8f},
                              PaintBricks(kBrick),
                              PaintBricks(kBrick),
                              0,
                              {}});
    chimneys.boxes.push_back({{u - 0.55f, kHeight + 2.3f, -1.6f},
                              {u + 0.55f, kHeight + 2.45f, -0.7f},
                              PaintAshlar(kStone, 0.5),
                              PaintAshlar(kStone, 0.5),
                              0,
                              {}});
  }
  return chimneys;
}

Facade BrickFacade(uint64_t seed) {
  Facade wall(true, seed);
  wall.Shell(PaintBricks(kBrick));
  for (const float d : {1.75f, 4.3f, 6.85f, 9.4f, 11.95f}) {
    wall.Window(d, 4.0f, 1.0f, 1.6f, kStone);
    wall.Shutters(d, 4.0f, 1.0f, 1.6f, d > 5 ? kBlue : kGreen);
    if (d != 4.3f) wall.FlowerBox(d, 4.0f, 1.2f);
  }
  wall.Balcony(4.3f, 3.7f, 2.1f);
  wall.Window(1.75f, 1.0f, 1.1f, 1.5f, kStone);
  wall.Door(4.3f, 1.2f, 2.45f, kGreen);
  wall.Window(7.0f, 0.9f, 2.0f, 1.55f, kStone);
  wall.Add(7.0f, 2.95f, 3.0f, 0.42f, 0.12f, PaintSign("CAFE EPIPOLE", {50, 40, 92}));
  wall.Add(7.0f, 2.72f, 2.8f, 0.2f, 1.0f, PaintStripes({60, 50, 178}));
  wall.Posters(10.1f, 3, 2);
  wall.Door(12.6f, 1.1f, 2.3f, kBlue);
  wall.Lamp(2.95f, 2.2f);
  wall.Lamp(5.6f, 2.1f);
  wall.Add(0.78f, 0.64f, 0.12f, 5.4f, 0.16f, PaintSign("", {110, 116, 110}));
  return wall;
}

Facade PlasterFacade(uint64_t seed) {
  Facade wall(false, seed);
  wall.Shell(PaintPlaster(kOchre));
  for (const float d : {1.9f, 4.1f, 6.3f, 9.0f, 11.2f, 13.4f}) {
    wall.Window(d, 4.0f, 1.05f, 1.55f, {190, 205, 214});
    if (d < 4 || d > 9) wall.FlowerBox(d, 4.0f, 1.15f);
  }
  wall.Balcony(6.3f, 3.7f, 2.3f);
  wall.Posters(1.55f, 2, 2);
  wall.Door(3.9f, 1.5f, 2.6f, kWood);
  wall.Window(6.3f, 1.0f, 1.2f, 1.6f, kStone);
  wall.Shutters(6.3f, 1.0f, 1.2f, 1.6f, kTerracotta);
  wall.Add(7.68f, 0.62f, 0.5f, 5.4f, 0.2f, PaintAshlar(kStone, 0.6));
  wall.Window(9.4f, 0.9f, 2.2f, 1.5f, kStone);
  wall.Add(9.4f, 2.9f, 3.1f, 0.42f, 0.14f, PaintSign("LIBRAIRIE", {86, 66, 34}));
  wall.Door(12.3f, 1.2f, 2.4f, kTerracotta);
  wall.Lamp(2.75f, 2.2f);
  wall.Lamp(5.1f, 2.25f);
  wall.Add(4.95f, 1.25f, 0.4f, 0.55f, 0.1f, PaintSign("12", {150, 90, 40}));
  return wall;
}

DemoGroup Standing(float x, float y, float turn) { return {UprightFrame({x, y, 0}, turn), {}, {}, {}}; }

// A box on the ground (or at height `bottom`) centred in its group.
void Put(DemoGroup& group, float width, float bottom, float height, float depth, const DemoPainter& front,
         const DemoPainter& sides) {
  group.boxes.push_back(
      {{-width / 2, bottom, -depth / 2}, {width / 2, bottom + height, depth / 2}, front, sides, 0, {}});
}

std::vector<DemoGroup> Furniture() {
  std::vector<DemoGroup> groups;
  DemoGroup fountain = Standing(-0.3f, -4.3f, 0.35f);
  const DemoPainter stone = PaintAshlar(kStone, 0.45);
  Put(fountain, 2.1f, 0, 0.5f, 2.1f, stone, stone);
  Put(fountain, 0.62f, 0.5f, 1.0f, 0.62f, PaintSign("1807", {150, 168, 178}), stone);
  Put(fountain, 0.95f, 1.5f, 0.18f, 0.95f, stone, stone);
  Put(fountain, 0.7f, 1.68f, 0.42f, 0.7f, PaintFoliage({70, 60, 225}), PaintFoliage({70, 60, 225}));
  groups.push_back(fountain);

  DemoGroup kiosk = Standing(-4.0f, -5.2f, 0.5f);
  Put(kiosk, 1.05f, 0.2f, 1.9f, 1.05f, PaintPoster(), PaintPoster());
  Put(kiosk, 1.2f, 0, 0.2f, 1.2f, stone, stone);
  Put(kiosk, 1.25f, 2.1f, 0.22f, 1.25f, PaintSign("PROGRAMME", {60, 84, 40}),
      PaintSign("PROGRAMME", {60, 84, 40}));
  groups.push_back(kiosk);

  const float crates[3][4] = {{3.2f, -3.9f, 0.3f, 0}, {4.05f, -4.3f, -0.4f, 0}, {3.55f, -4.0f, 0.75f, 0.72f}};
  for (const auto& [x, y, turn, bottom] : crates) {
    DemoGroup crate = Standing(x, y, turn);
    Put(crate, 0.75f, bottom, 0.72f, 0.75f, PaintPlanks(kWood, 0.18), PaintPlanks(kWood, 0.18));
    groups.push_back(crate);
  }
  DemoGroup board = Standing(1.9f, -5.6f, -0.3f);
  Put(board, 0.7f, 0.1f, 1.0f, 0.12f, PaintPoster(), PaintPlanks(kWood, 0.2));
  groups.push_back(board);
  for (const auto& [x, y, turn] : {std::array<float, 3>{6.3f, -5.0f, -0.4f}, {-6.6f, -5.0f, 0.55f}}) {
    DemoGroup planter = Standing(x, y, turn);
    Put(planter, 1.5f, 0, 0.5f, 0.6f, PaintPlanks(kWood, 0.16), PaintPlanks(kWood, 0.16));
    Put(planter, 1.4f, 0.5f, 0.65f, 0.52f, PaintFoliage({90, 200, 245}), PaintFoliage({90, 200, 245}));
    groups.push_back(planter);
  }
  return groups;
}

}  // namespace

std::vector<DemoGroup> BuildCourtyard(uint64_t seed) {
  DemoGroup ground;  // its "front" is the pavement: w is up
  ground.boxes.push_back({{-19, -15, -0.5f}, {19, 1, 0}, PaintPaving(), PaintPaving(), 0, {}});
  std::vector<DemoGroup> groups = {ground};
  const Facade brick = BrickFacade(seed), plaster = PlasterFacade(seed);
  for (const DemoGroup& group : {brick.Group(), plaster.Group(), brick.Roof(kSlate),
                                 plaster.Roof(kTerracotta), brick.Chimneys(), plaster.Chimneys()}) {
    groups.push_back(group);
  }
  for (const DemoGroup& group : Furniture()) groups.push_back(group);
  return groups;
}

}  // namespace colmatch
