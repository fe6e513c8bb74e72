# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import itertools
import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest
import torch
from training.config import DataConfig, SourceConfig
from training.data.batches import collate, MicroBatches, validation_batches
from training.data.cut import cut
from training.data.degrade import degrade, KINDS
from training.data.loader import stream
from training.data.mixture import Mixture, Part
from training.data.rooms import RenderedRooms
from training.data.sample import Sample

from tests.training.rooms_folder import scene, write_rooms

CUT = DataConfig(crop_width=48, crop_height=36, width=32, height=24, min_zoom=0.8, max_zoom=1.5)


def same(first, second):
    return all(
        torch.equal(getattr(first, name), getattr(second, name))
        for name in ('rgb_B3HW', 'depth_m_B1HW', 'rays_B2HW', 'focal_px_B')
    )


def test_rooms_are_one_list_over_all_shards(rooms):
    views = RenderedRooms(rooms)
    assert len(views) == 5
    assert [views[index].name for index in range(5)] == [f'room {i}/{i}' for i in range(5)]
    rgb, depth = scene(3)
    np.testing.assert_array_equal(views[3].rgb_HW3, rgb)
    np.testing.assert_array_equal(views[3].depth_m_HW, depth)
    assert views[3].intrinsics.fx == 55.0
    assert views[3].prior_m_hw is None
    with pytest.raises(IndexError):
        views[5]


def test_several_folders_are_one_list(rooms, tmp_path):
    more = write_rooms(tmp_path / 'more')
    both = RenderedRooms(rooms, more)
    assert [both[index].name for index in range(10)] == [
        f'room {index % 5}/{index}' for index in range(10)
    ]


def test_rooms_that_are_not_there(rooms, tmp_path):
    with pytest.raises(SourceError, match='holds no rendered rooms; run'):
        RenderedRooms(rooms, tmp_path)


def test_a_shard_without_a_part_or_cut_short_is_refused(tmp_path):
    folder = write_rooms(tmp_path / 'rooms')
    part = folder / 'depth_00001.npy'
    content = part.read_bytes()
    part.write_bytes(content[:-10])
    with pytest.raises(SourceError, match=r'depth_00001\.npy.*render this shard again'):
        RenderedRooms(folder)
    part.unlink()
    with pytest.raises(SourceError, match=r'depth_00001\.npy'):
        RenderedRooms(folder)
    np.save(part, np.ones((1, 48, 64), np.float16))
    with pytest.raises(SourceError, match='shard 00001 has parts of lengths'):
        RenderedRooms(folder)


def mixture(*folders, config=CUT):
    parts = [
        Part(name=folder.name, samples=RenderedRooms(folder), share=1.0, cut=config)
        for folder in folders
    ]
    return Mixture(parts)


def make_batch(folder, config, size, *, seed, step, rank=0):
    return MicroBatches(mixture(folder, config=config), size, seed=seed, rank=rank)[step]


def test_a_batch_is_a_function_of_seed_step_and_rank(rooms):
    batch = make_batch(rooms, CUT, 4, seed=1, step=2, rank=0)
    again = make_batch(rooms, CUT, 4, seed=1, step=2, rank=0)
    assert same(batch, again)
    assert batch.generator.initial_seed() == again.generator.initial_seed()
    for other in (
        {'seed': 2, 'step': 2},
        {'seed': 1, 'step': 3},
        {'seed': 1, 'step': 2, 'rank': 1},
    ):
        assert not same(batch, make_batch(rooms, CUT, 4, **other))


@pytest.mark.parametrize('workers', [0, 2])
def test_a_stream_that_starts_later_goes_on_as_the_first(make_config, rooms, workers):
    config = make_config('metric_prior', workers=workers, accumulate=2)
    images = mixture(rooms, config=config.data)
    whole = list(stream(config, images, done=0, rank=0))
    late = list(stream(config, images, done=2, rank=0))
    assert (len(whole), len(late)) == (8, 4)
    for mine, theirs in zip(whole[4:], late):
        assert same(mine, theirs)
        assert torch.equal(
            torch.rand(3, generator=mine.generator), torch.rand(3, generator=theirs.generator)
        )


def test_a_batch_comes_from_one_set_drawn_by_its_share(rooms, tmp_path):
    more = write_rooms(tmp_path / 'more', first_seed=50)
    wide = DataConfig(crop_width=64, crop_height=32, width=64, height=32)
    parts = [
        Part(name='rooms', samples=RenderedRooms(rooms), share=3.0, cut=CUT),
        Part(name='more', samples=RenderedRooms(more), share=1.0, cut=wide),
    ]
    batches = MicroBatches(Mixture(parts), 2, seed=0)
    sizes = [tuple(batches[step].rgb_B3HW.shape[-2:]) for step in range(80)]
    assert set(sizes) == {(24, 32), (32, 64)}
    assert 0.6 < sizes.count((24, 32)) / 80 < 0.9


class Broken:
    """Rooms of which some images cannot be read."""

    def __init__(self, rooms, broken):
        self._rooms, self._broken = RenderedRooms(rooms), broken

    def __len__(self):
        return len(self._rooms)

    def __getitem__(self, index):
        if index in self._broken:
            raise FrameError('unreadable image', f'image {index} is cut short')
        return self._rooms[index]


def test_an_image_that_cannot_be_read_is_replaced_and_told(rooms):
    broken = Part(name='some', samples=Broken(rooms, {1, 3}), share=1.0, cut=CUT)
    batches = MicroBatches(Mixture([broken]), 4, seed=0)
    drawn = [batches[step] for step in range(10)]
    lost = [frame for batch in drawn for frame in batch.lost]
    assert {frame.name for frame in lost} == {'some/1', 'some/3'}
    assert all(len(batch.rgb_B3HW) == 4 for batch in drawn)
    assert same(batches[3], drawn[3])
    nothing = Part(name='none', samples=Broken(rooms, set(range(5))), share=1.0, cut=CUT)
    with pytest.raises(SourceError, match=r'data set none: 50 images in a row .*cut short'):
        MicroBatches(Mixture([nothing]), 4, seed=0)[0]


def test_a_window_of_nothing_but_holes_is_replaced_and_told(rooms):
    class Blank(Broken):
        def __getitem__(self, index):
            sample = self._rooms[index]
            if index in self._broken:
                sample = replace(sample, depth_m_HW=np.zeros_like(sample.depth_m_HW))
            return sample

    smeared = replace(CUT, priors={'smeared': 1.0})
    part = Part(name='some', samples=Blank(rooms, {2}), share=1.0, cut=smeared)
    batches = MicroBatches(Mixture([part]), 4, seed=0)
    drawn = [batches[step] for step in range(10)]
    lost = {(frame.name, frame.reason) for batch in drawn for frame in batch.lost}
    assert lost == {('some/2', 'no depth')}
    assert all(bool((b.depth_m_B1HW > 0.0).flatten(1).any(dim=1).all()) for b in drawn)


def test_images_alone_have_no_depth_and_no_camera(rooms):
    class Images(Broken):
        def __getitem__(self, index):
            return Sample(rgb_HW3=self._rooms[index].rgb_HW3)

    part = Part(name='images', samples=Images(rooms, set()), share=1.0, cut=CUT)
    batch = MicroBatches(Mixture([part]), 2, seed=0)[0]
    assert bool(torch.isnan(batch.depth_m_B1HW).all())
    assert bool(torch.isnan(batch.focal_px_B).all())
    assert batch.cameras == (None, None)
    assert bool(torch.isfinite(batch.rays_B2HW).all())


def test_validation_batches_are_fixed_and_spread(rooms):
    images = mixture(rooms)
    first, second = (list(validation_batches(images, 2, 3)) for _ in range(2))
    assert [len(batch.rgb_B3HW) for batch in first] == [2, 1]
    assert all(same(mine, theirs) for mine, theirs in zip(first, second))
    assert sum(len(batch.rgb_B3HW) for batch in validation_batches(images, 4, 99)) == 5


def test_crop_zoom_and_flip_keep_points_where_they_are(subtests):
    """A plane with a known equation stays that plane when un-projected after the cut."""
    width, height, focal = 64, 48, 55.0
    camera = Intrinsics(fx=focal, fy=focal, cx=30.0, cy=25.0, width=width, height=height)
    x, y = camera.rays().numpy()
    # z = 2 + 0.3 X + 0.2 Y with X = x z and Y = y z
    depth = (2.0 / (1.0 - 0.3 * x - 0.2 * y)).astype(np.float32)
    view = Sample(
        rgb_HW3=np.zeros((height, width, 3), np.uint8), depth_m_HW=depth, intrinsics=camera
    )
    config = DataConfig(
        crop_width=32, crop_height=24, width=32, height=24, min_zoom=0.7, max_zoom=1.0
    )
    for seed in range(6):
        with subtests.test(seed=seed):
            whole = cut(view, config, np.random.default_rng(seed))
            cut_depth, cut_camera = whole.depth_m_HW, whole.camera
            flips = np.random.default_rng(seed)
            plain = cut(view, replace(config, flip=False), flips)
            plain_depth = plain.depth_m_HW
            sign = -1.0 if not np.array_equal(plain_depth, cut_depth) else 1.0
            rays_x, rays_y = cut_camera.rays().numpy()
            plane = 2.0 + sign * 0.3 * rays_x * cut_depth + 0.2 * rays_y * cut_depth
            # Nearest resampling moves depth by at most a pixel.
            np.testing.assert_allclose(plane, cut_depth, atol=0.02)


def test_both_hands_are_seen(rooms):
    view = RenderedRooms(rooms)[0]
    config = DataConfig(crop_width=64, crop_height=48, width=64, height=48)
    depths = [cut(view, config, np.random.default_rng(seed)).depth_m_HW for seed in range(12)]
    mirrored = [np.array_equal(depth, view.depth_m_HW[:, ::-1]) for depth in depths]
    plain = [np.array_equal(depth, view.depth_m_HW) for depth in depths]
    assert any(mirrored)
    assert any(plain)
    assert all(left != right for left, right in zip(mirrored, plain))


def test_color_depth_and_camera_are_cut_alike(rooms):
    view = RenderedRooms(rooms)[0]
    coded = np.stack([np.tile(np.arange(64, dtype=np.uint8), (48, 1))] * 3, axis=-1)
    marked = Sample(
        rgb_HW3=coded,
        depth_m_HW=coded[..., 0].astype(np.float32) + 1.0,
        intrinsics=view.intrinsics,
    )
    config = DataConfig(crop_width=32, crop_height=24, width=32, height=24)
    for seed in range(5):
        window = cut(marked, config, np.random.default_rng(seed))
        rgb, depth, camera = window.rgb_HW3, window.depth_m_HW, window.camera
        np.testing.assert_array_equal(rgb[..., 0] + 1.0, depth)
        x = camera.rays()[0, 0].numpy()
        sign = 1.0 if depth[0, 1] > depth[0, 0] else -1.0
        before = (depth[0] - 1.0 - view.intrinsics.cx) / view.intrinsics.fx
        np.testing.assert_allclose(sign * before, x, atol=1e-6)


def test_unknown_depth_becomes_nan(rooms):
    view = RenderedRooms(rooms)[0]
    depth = np.array(view.depth_m_HW)
    depth[5, 7] = 0.0
    whole = DataConfig(crop_width=64, crop_height=48, width=64, height=48, flip=False)
    batch = collate(
        [cut(replace(view, depth_m_HW=depth), whole, np.random.default_rng(0))], seed=0
    )
    assert math.isnan(float(batch.depth_m_B1HW[0, 0, 5, 7]))
    assert int(torch.isnan(batch.depth_m_B1HW).sum()) == 1


def test_stored_predictions_come_along_only_where_all_have_one(tmp_path):
    folder = write_rooms(tmp_path / 'rooms', prior=True)
    views = RenderedRooms(folder)
    config = DataConfig(crop_width=64, crop_height=48, width=64, height=48)
    batch = make_batch(folder, config, 3, seed=0, step=0)
    ratio = (batch.prior_m_B1HW / batch.depth_m_B1HW).median()
    assert float(ratio) == pytest.approx(1.1, rel=0.02)
    samples = [cut(views[index], config, np.random.default_rng(0)) for index in range(2)]
    samples[1] = replace(samples[1], prior_m_HW=None)
    assert collate(samples, seed=0).prior_m_B1HW is None


def room_depth(batch=1):
    return torch.from_numpy(np.stack([scene(seed, 128, 96)[1] for seed in range(batch)])).float()[
        :, None
    ]


def room_rgb(batch=1):
    rgb = np.stack([scene(seed, 128, 96)[0] for seed in range(batch)])
    return torch.from_numpy(rgb).float().permute(0, 3, 1, 2) / 255.0


def degraded(kind, seed=0, batch=1):
    return degrade(
        room_depth(batch), room_rgb(batch), [kind] * batch, torch.Generator().manual_seed(seed)
    )


def test_sharp_is_exact():
    sample = degraded('sharp')
    assert torch.equal(sample.prior_m_B1HW, room_depth())
    assert torch.equal(sample.target_m_B1HW, room_depth())


def test_networks_know_no_holes(subtests):
    networks = sorted(set(KINDS) - {'sensor', 'kinect'})
    for kind, seed in itertools.product(networks, range(4)):
        with subtests.test(kind=kind, seed=seed):
            prior = degraded(kind, seed).prior_m_B1HW
            assert bool(torch.isfinite(prior).all())
            assert bool((prior > 0.0).all())


def test_sensors_have_holes_and_mostly_depth():
    shares = [
        float(torch.isnan(degraded('sensor', seed).prior_m_B1HW).float().mean())
        for seed in range(8)
    ]
    assert max(shares) > 0.02
    assert max(shares) < 0.6


@pytest.mark.parametrize('kind', sorted(set(KINDS) - {'sharp', 'strong'}))
def test_the_target_shares_the_priors_scale_error(kind):
    for seed in range(4):
        sample = degraded(kind, seed)
        true_error = (sample.target_m_B1HW / room_depth() - 1.0).abs().nanmean()
        left = (sample.prior_m_B1HW / sample.target_m_B1HW).nanmedian()
        assert float(true_error) > 0.003
        assert float(left) == pytest.approx(1.0, abs=0.02)


def test_smearing_spoils_edges_and_noise_does_not():
    def spread(kind):
        sample = degraded(kind)
        return float((sample.prior_m_B1HW / sample.target_m_B1HW - 1.0).abs().amax())

    assert spread('smeared') > 0.2
    assert spread('noisy') < 0.15


def test_strong_smearing_spoils_more_than_mild():
    def error(kind):
        samples = [degraded(kind, seed) for seed in range(4)]
        off = [(item.prior_m_B1HW / item.target_m_B1HW - 1.0).abs().mean() for item in samples]
        return float(torch.stack(off).mean())

    assert error('mild') < error('smeared') < error('strong')


@pytest.mark.parametrize('kind', KINDS)
def test_one_generator_gives_one_sample(kind):
    first, second = degraded(kind, 5), degraded(kind, 5)
    for name in ('prior_m_B1HW', 'target_m_B1HW'):
        assert torch.equal(
            getattr(first, name).nan_to_num(-1.0), getattr(second, name).nan_to_num(-1.0)
        )
    if kind != 'sharp':
        assert not torch.equal(first.target_m_B1HW, degraded(kind, 6).target_m_B1HW)


def test_every_image_has_its_own_kind():
    kinds = ['sharp', 'sensor', 'smeared']
    sample = degrade(room_depth(3), room_rgb(3), kinds, torch.Generator().manual_seed(0))
    assert torch.equal(sample.prior_m_B1HW[0], room_depth(3)[0])
    assert bool(torch.isnan(sample.prior_m_B1HW[1]).any())
    assert not bool(torch.isnan(sample.prior_m_B1HW[2]).any())


def test_an_unknown_kind_is_refused():
    with pytest.raises(SettingsError, match=r"degradations \['smaered'\] must be among"):
        degraded('smaered')


def test_a_recording_is_split_into_training_and_validation(rooms):
    config = replace(CUT, source=str(rooms), held_back=0.4)
    train, validation = (Mixture.of(group, config).parts[0] for group in ('train', 'validation'))
    names = [
        [part.samples[i].name for i in range(len(part.samples))] for part in (train, validation)
    ]
    assert names == [['room 0/0', 'room 1/1', 'room 2/2'], ['room 3/3', 'room 4/4']]
    with pytest.raises(SourceError, match=r'has 5 images, of which 5 are held back'):
        Mixture.of('train', replace(config, held_back=1.0))


def test_a_run_without_images_is_told_where_to_name_them():
    with pytest.raises(SettingsError, match=r'names no images; .* such as data\.source=drive'):
        Mixture.of('train', replace(CUT, train={}))


def test_a_fraction_of_a_set_is_part_of_a_larger_one(rooms):
    def kept(fraction, **data):
        named = {'train': {'rooms': SourceConfig(path=str(rooms))}, **data}
        config = replace(CUT, **named, fraction=fraction)
        samples = Mixture.of('train', config).parts[0].samples
        return [samples[index].rgb_HW3.tobytes() for index in range(len(samples))]

    whole, half, little = kept(1.0), kept(0.5), kept(0.01)
    assert (len(half), len(little)) == (round(len(whole) / 2), 1)
    assert set(little) < set(half) < set(whole)
    assert half != whole[: len(half)], 'taken at random'
    assert len(kept(0.34, source=str(rooms), held_back=0.4)) == 1, 'of three for training'
