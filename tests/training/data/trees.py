# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Tiny folders in the official layouts of data sets, with values that can be checked by hand.

Each function writes one below a folder and returns the path that its reader is given.
"""

import json
import struct

import cv2
import numpy as np
import pytest

SINTEL_TAG = struct.pack('<f', 202021.25)


def rgb(width, height, seed=0):
    """Return an image of smooth random color, which survives JPEG."""
    small = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def write_rgb(path, width, height, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb(width, height, seed)[..., ::-1])
    return path


def write_png(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), values)
    return path


def write_npy(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def ramp(width, height, low, step):
    """Return low, low + step, ... along the rows of pixels."""
    return low + step * np.arange(width * height, dtype=np.float64).reshape(height, width)


def images(folder):
    for name in ('IMG_10.png', 'IMG_2.png', 'more/a.jpg'):
        write_rgb(folder / name, 16, 12)
    (folder / '._IMG_2.png').write_bytes(b'x')
    (folder / 'notes.md').write_text('not an image')
    return folder


def argoverse2(folder):
    feather, table = pytest.importorskip('pyarrow.feather'), pytest.importorskip('pyarrow').table
    for log, part in (('log-a', 'train'), ('log-b', 'val')):
        place = folder / part / log
        for stamp in (315, 316):
            write_rgb(place / f'sensors/cameras/ring_front_center/{stamp}.jpg', 12, 16, stamp)
        write_rgb(place / 'sensors/cameras/stereo_front_left/315.jpg', 16, 12)
        (place / 'calibration').mkdir()
        columns = {
            'sensor_name': ['ring_rear_left', 'ring_front_center'],
            'fx_px': [9.0, 14.0],
            'fy_px': [9.0, 15.0],
            'cx_px': [9.0, 5.0],
            'cy_px': [9.0, 7.0],
            'k1': [-0.2, -0.2],
        }
        feather.write_feather(table(columns), str(place / 'calibration/intrinsics.feather'))
    return folder


def waymo(folder):
    for frame in range(2):
        for camera in range(2):
            write_rgb(folder / f'segment-1/images/{frame:06d}_{camera}.png', 16, 12)
    for camera in range(2):
        write_text(
            folder / f'segment-1/intrinsics/{camera}.txt', f'{20 + camera}\n21\n7.5\n5.5\n0.1\n0\n'
        )
    return folder


def pandaset(folder):
    for sequence in ('001', '002'):
        place = folder / sequence / 'camera' / 'front_camera'
        for frame in range(2):
            write_rgb(place / f'{frame:02d}.jpg', 16, 12)
        write_text(
            place / 'intrinsics.json', json.dumps({'fx': 18.0, 'fy': 19.0, 'cx': 8.0, 'cy': 6.0})
        )
    return folder


def arkitscenes(folder):
    for part, video in (('Training', '40753679'), ('Validation', '41069021')):
        place = folder / part / video
        for stamp in ('98.764', '98.781'):
            name = f'{video}_{stamp}'
            write_rgb(place / f'lowres_wide/{name}.png', 16, 12)
            write_text(place / f'lowres_wide_intrinsics/{name}.pincam', '16 12 13.5 13.25 7.75 6')
    return folder


def taskonomy(folder):
    for view in range(2):
        name = f'point_{view}_view_3_domain'
        write_rgb(folder / f'rgb/taskonomy/almena/{name}_rgb.png', 16, 16)
        write_text(
            folder / f'point_info/taskonomy/almena/{name}_point_info.json',
            json.dumps({'field_of_view_rads': 1.0}),
        )
    return folder


def vkitti2(folder, scenes=('Scene01', 'Scene02', 'Scene06', 'Scene18', 'Scene20')):
    """Write one frame for each variant and camera; the images are one pixel larger than a crop."""
    depth = np.full((375, 1242), 65535, np.uint16)
    depth[23, 13] = 1234
    depth[200, 300] = 7999
    depth[201, 300] = 8000
    variants = ('15-deg-left', '15-deg-right', 'clone', 'morning', 'overcast', 'sunset')
    image = write_rgb(folder / 'one.jpg', 1242, 375).read_bytes()
    map_ = write_png(folder / 'one.png', depth).read_bytes()
    for scene in scenes:
        for variant in (*variants, 'fog', 'rain', '30-deg-left'):
            for camera in range(2):
                frames = f'{scene}/{variant}/frames'
                place = folder / f'vkitti_2.0.3_rgb/{frames}/rgb/Camera_{camera}'
                place.mkdir(parents=True)
                (place / 'rgb_00000.jpg').write_bytes(image)
                place = folder / f'vkitti_2.0.3_depth/{frames}/depth/Camera_{camera}'
                place.mkdir(parents=True)
                (place / 'depth_00000.png').write_bytes(map_)
    return folder


def hypersim(folder):
    """Write Marigold's layout at 1024x768: millimetres, 0 unknown."""
    depth = np.full((768, 1024), 2500, np.uint16)
    depth[0, 0], depth[0, 1], depth[767, 1023] = 0, 65000, 1001
    for part, scene in (('train', 'ai_001_001'), ('val', 'ai_003_010')):
        for frame in range(2):
            place = folder / part / scene
            write_rgb(place / f'rgb_cam_00_fr{frame:04d}.png', 1024, 768)
            write_png(place / f'depth_plane_cam_00_fr{frame:04d}.png', depth)
    return folder


def kitti(folder):
    """Write three images of one drive, the last without depth."""
    drive = '2011_09_26_drive_0002_sync'
    depth = np.zeros((375, 1242), np.uint16)
    depth[23, 13], depth[374, 1228], depth[0, 0] = 2560, 256 * 81, 128
    for number in range(3):
        write_rgb(folder / f'2011_09_26/{drive}/image_02/data/{number:010d}.png', 1242, 375)
        if number < 2:
            write_png(
                folder / f'val/{drive}/proj_depth/groundtruth/image_02/{number:010d}.png', depth
            )
    return folder


def nyuv2(folder):
    depth = np.zeros((480, 640), np.uint16)
    depth[5, 7] = 2345
    for part in ('test', 'train'):
        for number in range(1, 3):
            place = folder / part / 'kitchen_0004'
            write_rgb(place / f'rgb_{number:04d}.png', 640, 480)
            write_png(place / f'depth_{number:04d}.png', depth)
            write_png(place / f'filled_{number:04d}.png', depth + 1)
    return folder


def eth3d(folder):
    depth = ramp(16, 12, 1.0, 0.5).astype('<f4')
    depth[0, 0] = np.inf
    for name in ('DSC_0219', 'DSC_0220'):
        write_rgb(folder / f'office/images/dslr_images/{name}.JPG', 16, 12)
        place = folder / f'office/ground_truth_depth/dslr_images/{name}.JPG'
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(depth.tobytes())
    return folder


def diode(folder):
    depth = ramp(16, 12, 1.0, 0.5).astype(np.float32)[..., None]
    mask = np.ones((12, 16), np.float32)
    mask[0, 1] = 0.0
    for part, scene, count in (('indoors', 19, 2), ('outdoor', 22, 3)):
        for number in range(count):
            place = folder / f'val/{part}/scene_{scene:05d}/scan_00183'
            stem = f'{scene:05d}_00183_{part}_{number:03d}_010'
            write_rgb(place / f'{stem}.png', 16, 12)
            write_npy(place / f'{stem}_depth.npy', depth)
            write_npy(place / f'{stem}_depth_mask.npy', mask)
    return folder


def scannet(folder):
    depth = np.zeros((480, 640), np.uint16)
    depth[0, 0], depth[479, 639] = 1500, 2500
    place = folder / 'scene0000_00'
    for number in (0, 2, 10):
        write_rgb(place / f'color/{number}.jpg', 1296, 968)
        write_png(place / f'depth/{number}.png', depth)
    matrix = '1170.2 0 647.8 0\n0 1170.3 483.8 0\n0 0 1 0\n0 0 0 1\n'
    write_text(place / 'intrinsic/intrinsic_color.txt', matrix)
    return folder


def booster(folder):
    """Write one scene with both cameras; the baseline is 80 mm, focal lengths 50 and 60 px."""
    place = folder / 'train/balanced/Bathroom'
    for number in ('00', '02'):
        for image in range(2):
            write_rgb(place / f'camera_{number}/im{image}.png', 16, 12)
        write_npy(place / f'disp_{number}.npy', ramp(16, 12, 0.0, 0.5).astype(np.float32))
    storage = cv2.FileStorage(str(place / 'calib_00-02.xml'), cv2.FILE_STORAGE_WRITE)
    for name, focal in (('proj_matL', 50.0), ('proj_matR', 60.0)):
        storage.write(name, np.array([[focal, 0, 7, 0], [0, focal, 5, 0], [0, 0, 1, 0]]))
    storage.write('baselineLR', 80.0)
    storage.release()
    return folder


def ibims(folder):
    from scipy.io import savemat

    depth = ramp(16, 12, 1.0, 0.5)
    masks = np.ones((2, 12, 16), np.uint8)
    masks[0, 0, 1] = masks[1, 0, 2] = 0
    edges = np.zeros((12, 16), np.uint8)
    edges[3, 4] = 1
    matrix = np.array([[20.0, 0, 7.0], [0, 21.0, 5.0], [0, 0, 1]])
    place = folder / 'ibims1_core_mat'
    place.mkdir(parents=True)
    for name in ('corridor_01', 'corridor_02'):
        data = {
            'rgb': rgb(16, 12),
            'depth': depth,
            'edges': edges,
            'mask_invalid': masks[0],
            'mask_transp': masks[1],
            'calib': matrix.T,
        }
        savemat(place / f'{name}.mat', {'data': data})
    return folder


def sintel(folder):
    depth = ramp(16, 12, 1.0, 0.5).astype('<f4')
    matrix = np.array([[22.0, 0, 7.5], [0, 22.0, 5.5], [0, 0, 1]])
    for number in (1, 2):
        name = f'alley_1/frame_{number:04d}'
        for part in ('final', 'clean'):
            write_rgb(folder / f'training/{part}/{name}.png', 16, 12)
        for part, data in (
            ('depth/{}.dpt', struct.pack('<ii', 16, 12) + depth.tobytes()),
            ('camdata_left/{}.cam', matrix.tobytes() + np.eye(4)[:3].tobytes()),
        ):
            path = folder / 'training' / part.format(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(SINTEL_TAG + data)
    return folder


def unrealstereo4k(folder):
    for name in ('00000', '00001'):
        write_rgb(folder / f'00008/Image0/{name}.png', 16, 12)
        write_npy(folder / f'00008/Disp0/{name}.npy', ramp(16, 12, 0.0, 2.0).astype(np.float32))
    return folder


def nuscenes(folder):
    """
    Write a key frame of two cameras that look ahead, and one LiDAR 1 m above the front one.

    The car is turned by a quarter and moves 2 m ahead between the sweep and the back camera's
    image. One camera's frame is x right, y down, z ahead; the car's x ahead, y left, z up.
    """
    half = 0.5**0.5
    ahead = [0.5, -0.5, 0.5, -0.5]  # w, x, y, z of the camera's frame in the car's
    sensors = {'CAM_FRONT': ([0, 0, 1], ahead), 'CAM_BACK': ([0, 0, 1], ahead)}
    sensors['LIDAR_TOP'] = ([0, 0, 2], [1, 0, 0, 0])
    matrix = [[20.0, 0, 7.0], [0, 20.0, 5.0], [0, 0, 1]]
    tables = {'scene': [{'token': 's', 'name': 'scene-0103'}]}
    tables['sample'] = [{'token': 'k', 'scene_token': 's'}]
    rows = {name: [] for name in ('sensor', 'calibrated_sensor', 'ego_pose', 'sample_data')}
    for name, (place, turn) in sensors.items():
        camera = name.startswith('CAM')
        rows['sensor'].append({'token': f'sensor-{name}', 'channel': name})
        rows['calibrated_sensor'].append(
            {
                'token': f'calibrated-{name}',
                'sensor_token': f'sensor-{name}',
                'translation': place,
                'rotation': turn,
                'camera_intrinsic': matrix if camera else [],
            }
        )
        moved = 2.0 if name == 'CAM_BACK' else 0.0
        rows['ego_pose'].append(
            {'token': f'ego-{name}', 'translation': [5, moved, 0], 'rotation': [half, 0, 0, half]}
        )
        for key in (True, False):
            file = f'{"samples" if key else "sweeps"}/{name}/a.{"jpg" if camera else "pcd.bin"}'
            rows['sample_data'].append(
                {
                    'token': file,
                    'filename': file,
                    'is_key_frame': key,
                    'timestamp': 1,
                    'sample_token': 'k',
                    'ego_pose_token': f'ego-{name}',
                    'calibrated_sensor_token': f'calibrated-{name}',
                }
            )
    for name, table in {**tables, **rows}.items():
        write_text(folder / f'v1.0-mini/{name}.json', json.dumps(table))
    for name in ('CAM_FRONT', 'CAM_BACK'):
        write_rgb(folder / f'samples/{name}/a.jpg', 16, 12)
    # x ahead, y left, z up of the LiDAR: ahead; ahead and farther; behind; below and left
    points = [[10, 0, -1], [12, 0, -1], [-10, 0, -1], [8, 2, -2.2], [0.5, 0, -1]]
    sweep = np.zeros((5, 5), '<f4')
    sweep[:, :3] = points
    (folder / 'samples/LIDAR_TOP').mkdir(parents=True)
    (folder / 'samples/LIDAR_TOP/a.pcd.bin').write_bytes(sweep.tobytes())
    return folder


TREES = {
    write.__name__: write
    for write in (
        *(images, argoverse2, waymo, pandaset, arkitscenes, taskonomy, vkitti2, hypersim, kitti),
        *(nyuv2, eth3d, diode, scannet, booster, ibims, sintel, unrealstereo4k, nuscenes),
    )
}
"""Reader and the function that writes a folder for it."""
