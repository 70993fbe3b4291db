// Scenes of a few textured rectangles in space, seen by several cameras: training pairs with parallax,
// occlusion and exact ground truth. A photo with its homographies is the special case of one rectangle.
#pragma once

#include <cstddef>
#include <vector>

#include "training/data/homography.h"
#include "training/data/shards.h"
#include "training/data/warp.h"
#include "util/random.h"

namespace colmatch {

// A rectangle with a photo on it, as seen in one view. Plane coordinates are the photo's pixels.
struct PlaneInView {
  Homography view_from_plane;  // to pixels; the third homogeneous coordinate is the depth, positive in front
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;  // the part of the photo that the rectangle shows
};
using SceneView = std::vector<PlaneInView>;  // all views of a scene have the same planes in the same order

struct ScenePoint {
  int plane = -1;  // -1: the view shows no plane there
  Point2 place;    // on the plane
};

// Finds what a view shows at a pixel: the nearest plane.
class SceneGeometry {
 public:
  explicit SceneGeometry(SceneView planes);
  ScenePoint At(Point2 pixel) const;
  Point2 Project(const ScenePoint& point) const {
    return planes_[point.plane].view_from_plane.Apply(point.place);
  }

 private:
  SceneView planes_;
  std::vector<Homography> plane_from_view_;
};

struct PlanarSceneOptions {
  int max_objects = 5;              // rectangles in front of the background, at least 1
  double max_tilt_deg = 50;         // of a rectangle relative to the first camera
  double max_turn_deg = 35;         // of the cameras about the scene, left and right; half of it up and down
  double max_roll_deg = 25;         // of the cameras about their optical axes
  double max_distance_ratio = 1.6;  // distance of the farthest camera / distance of the nearest camera
};

struct PlanarScene {
  std::vector<size_t> photos;  // for each plane an index into the photos passed to SampleScene
  std::vector<SceneView> views;
};

// Only the sizes of the photos are used. width and height are those of the views, in pixels. Plane 0 is the
// background.
PlanarScene SampleScene(const std::vector<const ShardPhoto*>& photos, int num_views, int width, int height,
                        const PlanarSceneOptions& options, Rng& rng);

// textures[i] belongs to plane i. Pixels without a plane are a soft grey.
FloatImage RenderView(const SceneView& view, const std::vector<FloatImage>& textures, int width, int height);

}  // namespace colmatch
