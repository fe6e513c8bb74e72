# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import tracemalloc

from depth_refiner_ros.core.errors import MappingError, OutputError
from depth_refiner_ros.mapping.tsdf import TsdfVolume
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load, load_file, save, save_file

from tests.full_disk import full_disk


@pytest.fixture
def filled(room, turn):
    volume = TsdfVolume(0.05, max_range_m=6.0)
    for angle in (0, 30):
        volume.integrate(*room.render(turn(angle)), room.camera, turn(angle))
    return volume


def same(mesh, other):
    def points(mesh):
        return np.unique(mesh.vertices_m_N3, axis=0)

    np.testing.assert_array_equal(points(mesh), points(other))


def test_volume_goes_on_where_it_was_kept(filled, room, turn, tmp_path):
    filled.write(tmp_path / 'map.safetensors')
    again = TsdfVolume(0.05, max_range_m=6.0)
    again.read(tmp_path / 'map.safetensors')
    assert (again.frames, again.blocks) == (2, filled.blocks)
    same(again.mesh(min_weight=2), filled.mesh(min_weight=2))
    for volume in (filled, again):
        volume.integrate(*room.render(turn(60)), room.camera, turn(60))
    same(again.mesh(), filled.mesh())


def test_the_file_is_what_safetensors_itself_writes(filled, tmp_path):
    path = tmp_path / 'map.safetensors'
    seen_M3 = np.arange(12, dtype=np.int32).reshape(4, 3)
    filled.write(path, seen_M3)
    written, kept = path.read_bytes(), load_file(path)
    with safe_open(path, framework='numpy') as file:
        metadata = file.metadata()
    assert metadata == {'voxel_m': '0.05', 'truncation_m': '0.2', 'resolution': '8', 'frames': '2'}
    np.testing.assert_array_equal(kept['seen'], seen_M3)
    assert kept['color'].shape == (filled.blocks, 512, 3)
    official = save(kept, metadata)
    assert len(written) - header_size(written) == len(official) - header_size(official)
    assert header_size(written) % 8 == 0
    for name, values in load(official).items():
        assert kept[name].dtype == values.dtype
        assert kept[name].tobytes() == values.tobytes()


def header_size(data):
    return 8 + int.from_bytes(data[:8], 'little')


def test_writing_takes_little_memory_beside_the_volume(room, turn, tmp_path):
    volume = TsdfVolume(0.02, max_range_m=6.0)
    volume.integrate(*room.render(turn(0)), room.camera, turn(0))
    tracemalloc.start()
    volume.write(tmp_path / 'map.safetensors')
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert volume.memory_mb > 10
    assert peak / 1e6 < 5


def test_volume_of_other_sizes_is_refused_by_name(filled, tmp_path):
    filled.write(tmp_path / 'map.safetensors')
    with pytest.raises(MappingError, match=r'map\.safetensors has voxel_m = 0\.05, not 0\.04'):
        TsdfVolume(0.04).read(tmp_path / 'map.safetensors')
    with pytest.raises(MappingError, match=r'has truncation_m = 0\.2, not 0\.25'):
        TsdfVolume(0.05, truncation_voxels=5.0).read(tmp_path / 'map.safetensors')


def test_what_is_no_volume_is_refused(filled, tmp_path, subtests):
    path = tmp_path / 'map.safetensors'
    filled.write(path)
    tensors, whole = load_file(path), path.read_bytes()
    sizes = {'voxel_m': '0.05', 'truncation_m': '0.2', 'resolution': '8', 'frames': '2'}
    twice = {name: np.concatenate([values, values[:1]]) for name, values in tensors.items()}
    holed = {**tensors, 'tsdf': np.full_like(tensors['tsdf'], np.nan)}
    short = {**tensors, 'weight': tensors['weight'][1:]}
    flat = {**tensors, 'seen': np.zeros((4, 2), np.int32)}
    cases = {
        'cannot be read': lambda: path.write_bytes(whole[: len(whole) // 2]),
        'is not a volume': lambda: save_file({'weight': np.ones(3)}, path),
        'a block is there twice': lambda: save_file(twice, path, sizes),
        'or not a number': lambda: save_file(holed, path, sizes),
        'weight has': lambda: save_file(short, path, sizes),
        'seen has': lambda: save_file(flat, path, sizes),
    }
    for words, damage in cases.items():
        with subtests.test(words):
            damage()
            volume = TsdfVolume(0.05)
            with pytest.raises(MappingError, match=words):
                volume.read(path)
            assert volume.blocks == 0
    with pytest.raises(MappingError, match='cannot be read'):
        TsdfVolume(0.05).read(tmp_path / 'missing')


def test_full_disk_leaves_the_older_file(filled, tmp_path):
    path = tmp_path / 'map.safetensors'
    filled.write(path)
    before = path.read_bytes()
    with full_disk(1000), pytest.raises(OutputError):
        filled.write(path)
    assert path.read_bytes() == before
