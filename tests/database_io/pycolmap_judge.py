# COLMAP 4 as judge of our databases: opens a file with pycolmap and prints what it finds as JSON.
#   pycolmap_judge.py read DB            every image, pair and geometry
#   pycolmap_judge.py create DB          a new file with one camera, and one image with rig and frame
#   pycolmap_judge.py migrate DB         opens and closes the file: 4.x brings it to its own form
#   pycolmap_judge.py extract DB PHOTOS  adds the folder's photos with SIFT features
#   pycolmap_judge.py clear DB           deletes all keypoints
import json
import math
import sys

import pycolmap


def numbers(array):
    return [None if isinstance(x, float) and math.isnan(x) else x for x in array.flatten().tolist()]


def matrix(value):
    return None if value is None else numbers(value)


def geometry(db, id1, id2):
    g = db.read_two_view_geometry(id1, id2)
    pose = g.cam2_from_cam1
    return {
        "config": int(g.config),
        "inliers": numbers(g.inlier_matches),
        "F": matrix(g.F),
        "E": matrix(g.E),
        "H": matrix(g.H),
        "quat_xyzw": None if pose is None else numbers(pose.rotation.quat),
        "translation": None if pose is None else numbers(pose.translation),
    }


def image(db, image):
    out = {"id": image.image_id, "name": image.name, "camera_id": image.camera_id, "has_frame": image.has_frame_id()}
    if db.exists_keypoints(image.image_id):
        keypoints = db.read_keypoints(image.image_id)
        out["keypoints_shape"] = list(keypoints.shape)
        out["xy"] = numbers(keypoints[:, :2])
    if db.exists_descriptors(image.image_id):
        descriptors = db.read_descriptors(image.image_id)
        out["descriptors_type"] = int(descriptors.type)
        out["descriptors_shape"] = list(descriptors.data.shape)
        out["descriptor_bytes"] = numbers(descriptors.data)
    return out


def read(db):
    images = sorted(db.read_all_images(), key=lambda im: im.image_id)
    pairs = []
    for a in images:
        for b in images:
            if a.image_id == b.image_id or not db.exists_matches(a.image_id, b.image_id):
                continue
            pair = {"ids": [a.image_id, b.image_id], "matches": numbers(db.read_matches(a.image_id, b.image_id))}
            pair["pair_id"] = pycolmap.image_pair_to_pair_id(a.image_id, b.image_id)
            if db.exists_two_view_geometry(a.image_id, b.image_id):
                pair["geometry"] = geometry(db, a.image_id, b.image_id)
            pairs.append(pair)
    return {
        "version": pycolmap.__version__,
        "cameras": [
            {"id": c.camera_id, "model": int(c.model), "width": c.width, "height": c.height,
             "params": numbers(c.params), "prior": c.has_prior_focal_length}
            for c in db.read_all_cameras()
        ],
        "images": [image(db, im) for im in images],
        "pairs": pairs,
        "num_frames": db.num_frames(),
        "num_rigs": db.num_rigs(),
        "pose_priors": [
            {"image_id": p.corr_data_id.id, "position": numbers(p.position), "system": int(p.coordinate_system),
             "gravity": numbers(p.gravity)}
            for p in db.read_all_pose_priors()
        ],
    }


def create(db):
    camera = pycolmap.Camera.create(1, pycolmap.CameraModelId.SIMPLE_RADIAL, 500.0, 640, 480)
    camera_id = db.write_camera(camera)
    camera.camera_id = camera_id
    rig = pycolmap.Rig()
    rig.add_ref_sensor(camera.sensor_id)
    rig_id = db.write_rig(rig)
    im = pycolmap.Image(name="theirs.jpg", camera_id=camera_id)
    im.image_id = db.write_image(im)
    frame = pycolmap.Frame()
    frame.rig_id = rig_id
    frame.add_data_id(im.data_id)
    db.write_frame(frame)


def main():
    command, path = sys.argv[1], sys.argv[2]
    if command == "extract":
        options = pycolmap.FeatureExtractionOptions()
        options.num_threads = 1
        pycolmap.extract_features(path, sys.argv[3], extraction_options=options, device=pycolmap.Device.cpu)
        return
    db = pycolmap.Database.open(path)
    if command == "read":
        result = read(db)
        # What the mapper loads first: it stops the process if an image has no frame although others have.
        result["num_cache_images"] = pycolmap.DatabaseCache.create(db, pycolmap.DatabaseCacheOptions()).num_images()
        print("JSON" + json.dumps(result))
    elif command == "create":
        create(db)
    elif command == "clear":
        db.clear_keypoints()
    db.close()


main()
