# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import shutil

from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.core.errors import InputError, SettingsError, SourceError
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.models.bundle import MANIFEST, WEIGHTS
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest
import torch
from training.config import DataConfig, SourceConfig
from training.data.batches import MicroBatches
from training.data.mixture import Mixture
from training.data.priors import as_metres
from training.data.registry import open_samples
from training.data.rooms import RenderedRooms
from training.data.sample import Sample
from training.data.stored_priors import file_of, store
from training.tools import predict_prior
from training.tools.predict_prior import FARTHEST, main, predict_set, Predictor

from tests.training.data.trees import TREES
from tests.training.rooms_folder import write_rooms


@pytest.fixture(scope='module')
def predicted(tmp_path_factory):
    """Return a folder of images whose predictions lie beside it."""
    folder = TREES['pandaset'](tmp_path_factory.mktemp('priors') / 'pandaset')
    main(str(folder), reader='pandaset')
    return folder


def source(folder, **changes):
    prior = str(folder.with_name('pandaset_prior'))
    return SourceConfig(**{'path': str(folder), 'reader': 'pandaset', 'prior': prior, **changes})


def test_each_image_gets_its_prediction(predicted):
    samples = open_samples(source(predicted))
    for index in range(len(samples)):
        prior = samples[index].prior_m_hw
        assert (prior.dtype, prior.shape) == (np.float32, (192, 256))
        assert (prior > 0.0).all()
    stored = np.load(predicted.with_name('pandaset_prior') / f'{samples[0].name}.npy')
    assert stored.dtype == np.float16
    assert open_samples(source(predicted, prior=''))[0].prior_m_hw is None


def test_a_batch_carries_the_predictions(predicted):
    data = DataConfig(train={'a': source(predicted)}, crop_width=12, crop_height=8)
    data.width, data.height = 24, 16
    batch = MicroBatches(Mixture.of('train', data), 3, seed=0)[0]
    assert batch.prior_m_B1HW.shape == (3, 1, 16, 24)


def test_only_missing_predictions_are_made(predicted):
    folder = predicted.with_name('pandaset_prior')
    files = sorted(folder.rglob('*.npy'))
    content = files[0].read_bytes()
    files[0].unlink()
    files[1].write_bytes(b'kept')
    try:
        with pytest.raises(FrameError, match='run predict_prior again'):
            open_samples(source(predicted))[0]
        with pytest.raises(FrameError, match=r'is not a whole \.npy file'):
            open_samples(source(predicted))[1]
        main(str(predicted), reader='pandaset')
        assert files[0].read_bytes() == content
        assert files[1].read_bytes() == b'kept'
    finally:
        files[1].unlink()
        main(str(predicted), reader='pandaset')


def test_two_kinds_of_predictions_are_not_mixed(predicted, tmp_path):
    with pytest.raises(SourceError, match=r'prior\.json describes other predictions'):
        main(str(predicted), reader='pandaset', long_side=64)
    with pytest.raises(SourceError, match="of images that reader 'pandaset' opened, not images"):
        open_samples(source(predicted, reader='images'))
    with pytest.raises(SourceError, match=r'holds no prior\.json; run'):
        open_samples(source(predicted, prior=str(tmp_path)))


def test_predictions_of_other_images_or_weights_are_not_taken_for_those_of_these(tmp_path):
    """A second set whose files have the same names got the predictions of the first."""
    first, second = (TREES['pandaset'](tmp_path / name) for name in ('first', 'second'))
    main(str(first), reader='pandaset', out=str(tmp_path / 'out'))
    with pytest.raises(SourceError, match='with the same set, options and weights'):
        main(str(second), reader='pandaset', out=str(tmp_path / 'out'))

    bundle = shutil.copytree(WEIGHTS / 'prior', tmp_path / 'bundle')
    main(str(second), str(bundle), reader='pandaset')
    main(str(second), str(bundle), reader='pandaset')
    with (bundle / MANIFEST).open('a') as manifest:  # as after another export to this folder
        manifest.write('\n')
    with pytest.raises(SourceError, match='with the same set, options and weights'):
        main(str(second), str(bundle), reader='pandaset')


def test_disparity_is_stored_as_what_grows_with_the_distance():
    """It was stored as it is, and read as metres: near things were far."""
    predict = Predictor('bundled', 'bundled', long_side=4)

    class Disparity:
        def predict(self, rgb_B3HW, camera):
            columns = torch.tensor([0.5, 0.25, 0.0, 0.0]).repeat_interleave(2)
            return PriorDepth(depth_B1HW=columns.expand(1, 1, 4, 8), kind='disparity')

    predict._prior = Disparity()
    found = predict(Sample(rgb_HW3=np.zeros((4, 8, 3), np.uint8)))
    np.testing.assert_array_equal(found[0], np.float16([2.0, 4.0, FARTHEST, FARTHEST]))


def test_a_logarithm_of_depth_is_not_stored_as_metres():
    with pytest.raises(SettingsError, match='predicts a logarithm of depth'):
        as_metres(PriorDepth(depth_B1HW=torch.ones(1, 1, 2, 2), kind='log'))


def test_the_folder_that_one_is_in_has_predictions_beside_it(tmp_path, monkeypatch):
    monkeypatch.chdir(TREES['pandaset'](tmp_path / 'pandaset'))
    main('.', reader='pandaset')
    assert (tmp_path / 'pandaset_prior' / 'prior.json').is_file()


def test_images_without_a_camera_need_an_assumed_one(tmp_path):
    folder = TREES['images'](tmp_path / 'set')
    with pytest.raises(InputError, match=r'IMG_2\.png: .*--assume-fov-deg 60 assumes one'):
        main(str(folder), reader='images')
    main(str(folder), reader='images', out=str(tmp_path / 'wide'), assume_fov_deg=60.0)
    samples = open_samples(SourceConfig(str(folder), reader='images', prior=f'{tmp_path}/wide'))
    assert samples[2].prior_m_hw.shape == (192, 256)


def test_no_name_leads_out_of_the_folder(tmp_path):
    for name in ('../../x', '/etc/x', 'a/../../x'):
        assert tmp_path in file_of(tmp_path, name).resolve().parents
    store(tmp_path, 'room 3', np.ones((2, 2)))
    assert (tmp_path / 'room 3.npy').exists()


def test_predictions_of_rooms_lie_beside_them(tmp_path):
    folder = write_rooms(tmp_path / 'rooms')
    main(str(folder))
    assert np.load(folder / 'prior_00001.npy').shape == (2, 192, 256)
    np.save(folder / 'prior_00001.npy', np.ones((9, 192, 256)))  # of views of another time
    main(str(folder))
    rooms = RenderedRooms(folder)
    assert all(rooms[index].prior_m_hw.shape == (192, 256) for index in range(5))
    with pytest.raises(SettingsError, match='has no effect on rooms'):
        main(str(folder), out='elsewhere')


def test_the_network_of_predictions_lies_where_images_go(monkeypatch):
    meta = Execution(device=torch.device('meta'), precision='fp32')
    monkeypatch.setattr(predict_prior, 'choose', lambda: meta)
    network = Predictor('bundled', 'bundled')._prior.network
    assert {value.device.type for value in network.parameters()} == {'meta'}


def test_predictions_of_what_fits_by_itself_are_used(tmp_path):
    folder = TREES['pandaset'](tmp_path / 'pandaset')
    image = next(folder.rglob('*.jpg'))
    (tmp_path / 'images').mkdir()
    (tmp_path / 'images' / 'a.jpg').write_bytes(image.read_bytes())
    main(str(tmp_path / 'images'), assume_fov_deg=60.0)
    opened = open_samples(
        SourceConfig(path=str(tmp_path / 'images'), prior=str(tmp_path / 'images_prior'))
    )
    assert opened[0].prior_m_hw is not None


def test_two_images_of_one_name_share_no_prediction(tmp_path):
    class Twice:
        def __init__(self, samples):
            self._samples = samples

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return self._samples[0]

    samples = Twice(RenderedRooms(write_rooms(tmp_path / 'rooms')))
    with pytest.raises(SourceError, match="two images are called 'room 0/0'"):
        predict_set(samples, tmp_path / 'out', Predictor('bundled', 'bundled'))
