// Tests of scenes of textured rectangles: geometry and pictures agree, near planes hide far ones.
#include "training/data/planar_scene.h"

#include <gtest/gtest.h>

#include <cmath>

namespace colmatch {
namespace {

constexpr int kWidth = 120, kHeight = 90;

ShardPhoto Photo(int width, int height) {
  ShardPhoto photo;
  photo.width = width;
  photo.height = height;
  return photo;
}

// Smooth enough that sampling between pixels is exact to a hundredth.
FloatImage Texture(int width, int height, double phase) {
  FloatImage image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x)
      image.pixels.push_back(static_cast<float>(0.5 + 0.4 * std::sin(0.02 * x + 0.015 * y + phase)));
  }
  return image;
}

PlaneInView Facing(double depth, double x0, double y0, double x1, double y1) {
  PlaneInView plane;  // a place (x, y) is seen at the pixel (x, y)
  plane.view_from_plane.m = {depth, 0, 0, 0, depth, 0, 0, 0, depth};
  plane.x0 = x0, plane.y0 = y0, plane.x1 = x1, plane.y1 = y1;
  return plane;
}

TEST(SceneGeometry, TheNearestPlaneIsSeen) {
  const SceneGeometry geometry({Facing(2, 0, 0, 100, 80), Facing(1, 20, 20, 40, 40)});
  EXPECT_EQ(geometry.At({10, 10}).plane, 0);
  EXPECT_EQ(geometry.At({30, 30}).plane, 1);
  EXPECT_EQ(geometry.At({110, 30}).plane, -1);
  EXPECT_NEAR(geometry.At({30, 25}).place.y, 25, 1e-9);
}

TEST(SceneGeometry, APlaneBehindTheCameraIsNotSeen) {
  EXPECT_EQ(SceneGeometry({Facing(-1, 0, 0, 100, 80)}).At({10, 10}).plane, -1);
}

class Scene : public testing::Test {
 protected:
  static PlanarScene Sample(uint64_t seed) {
    static const ShardPhoto photos[] = {Photo(160, 120), Photo(90, 140)};
    Rng rng(seed, 0, 0);
    return SampleScene({&photos[0], &photos[1]}, 3, kWidth, kHeight, {}, rng);
  }
  static FloatImage Render(const PlanarScene& scene, size_t view) {
    std::vector<FloatImage> textures;
    for (size_t i = 0; i < scene.photos.size(); ++i) {
      textures.push_back(scene.photos[i] == 0 ? Texture(160, 120, static_cast<double>(i))
                                              : Texture(90, 140, static_cast<double>(i)));
    }
    return RenderView(scene.views[view], textures, kWidth, kHeight);
  }
};

TEST_F(Scene, IsAPureFunctionOfTheSeed) {
  const PlanarScene first = Sample(1), again = Sample(1), other = Sample(2);
  EXPECT_EQ(first.photos, again.photos);
  EXPECT_EQ(first.views[2].back().view_from_plane.m, again.views[2].back().view_from_plane.m);
  EXPECT_NE(first.views[0][0].view_from_plane.m, other.views[0][0].view_from_plane.m);
}

TEST_F(Scene, HasABackgroundAndOneToFiveObjectsInEveryView) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const PlanarScene scene = Sample(seed);
    ASSERT_EQ(scene.views.size(), 3u);
    for (const SceneView& view : scene.views) {
      EXPECT_EQ(view.size(), scene.photos.size());
      EXPECT_GE(view.size(), 2u);
      EXPECT_LE(view.size(), 6u);
    }
  }
}

TEST_F(Scene, WhatTwoViewsShowOfOnePlaceLooksTheSame) {
  int compared = 0, seen_by_both = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const PlanarScene scene = Sample(seed);
    const SceneGeometry a(scene.views[0]), b(scene.views[1]);
    const FloatImage image_a = Render(scene, 0), image_b = Render(scene, 1);
    for (int y = 6; y < kHeight; y += 12) {
      for (int x = 6; x < kWidth; x += 12) {
        const ScenePoint point = a.At({static_cast<double>(x), static_cast<double>(y)});
        if (point.plane < 0) continue;
        ++compared;
        const Point2 there = b.Project(point);
        if (there.x < 1 || there.y < 1 || there.x > kWidth - 2 || there.y > kHeight - 2) continue;
        // Its neighbours too, so that no edge of a plane falls between pixels.
        bool hidden = false;
        for (const double dx : {-1.0, 1.0}) {
          for (const double dy : {-1.0, 1.0})
            hidden |= b.At({there.x + dx, there.y + dy}).plane != point.plane;
        }
        if (hidden || b.At(there).plane != point.plane) continue;
        ++seen_by_both;
        EXPECT_NEAR(image_a.row(y)[x], SampleBilinear(image_b, there.x, there.y), 0.05) << "seed " << seed;
      }
    }
  }
  EXPECT_GT(seen_by_both, compared / 4) << "the cameras look at the same things";
  EXPECT_LT(seen_by_both, compared) << "and not at all of them";
}

TEST_F(Scene, ViewsAreNoHomographyOfEachOther) {
  int with_parallax = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const PlanarScene scene = Sample(seed);
    const Homography of_background =
        scene.views[1][0].view_from_plane * scene.views[0][0].view_from_plane.Inverse();
    const PlaneInView &object = scene.views[0][1], &there = scene.views[1][1];
    const Point2 middle{(object.x0 + object.x1) / 2, (object.y0 + object.y1) / 2};
    const Point2 in_a = object.view_from_plane.Apply(middle), in_b = there.view_from_plane.Apply(middle),
                 as_background = of_background.Apply(in_a);
    with_parallax += std::hypot(in_b.x - as_background.x, in_b.y - as_background.y) > 3;
  }
  EXPECT_GT(with_parallax, 15);
}

}  // namespace
}  // namespace colmatch
