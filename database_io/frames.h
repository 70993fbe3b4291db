// Rigs and frames (COLMAP 3.12 and later). A file has them for all of its images or for none: COLMAP 4's
// mapper stops on a mixture ("Check failed: image.HasFrameId()").
#pragma once

#include <vector>

#include "database_io/sqlite.h"
#include "util/colmap_types.h"

namespace colmatch {

// Whether an image added now needs a frame: the file has frames already, or has no image yet. The tables must
// exist (Dialect::frame_tables).
bool NewImagesNeedFrames(Connection& connection);

// Gives the image a frame of its own in the rig of its camera, which is made if the camera has none.
void AddFrame(Connection& connection, image_t image_id, camera_t camera_id);

// Images without a frame in a file that has frames: COLMAP 3.8 leaves them so when it adds to a newer file.
std::vector<image_t> ImagesMissingFrames(Connection& connection);

// The images of each frame that has more than one: those a rig of cameras took together. By frame, then by
// id.
std::vector<std::vector<image_t>> ReadSharedFrames(Connection& connection);

}  // namespace colmatch
