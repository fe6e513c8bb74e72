# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.backends.memory import FittingSize, is_out_of_memory
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.diffusion.estimator import SharpEstimator
import numpy as np
import pytest
import torch

from tests.backends.networks import on_cpu
from tests.tiny_networks import small


class Short(torch.nn.Module):
    """A UNet on a machine whose memory holds only small images."""

    def __init__(self, unet, most_pixels):
        super().__init__()
        self.unet, self.most, self.config = unet, most_pixels, unet.config
        self.seen = []

    def forward(self, sample, *rest, **named):
        self.seen.append(tuple(sample.shape[-2:]))
        if sample.shape[-1] * sample.shape[-2] > self.most:
            raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 20 GiB.\nMore')
        return self.unet(sample, *rest, **named)


def estimator(most_cells):
    network = small(unshuffle_factor=2)
    network.unet = Short(network.unet, most_cells)
    return SharpEstimator(network)


def estimate(made, fitting):
    def work(shrink):
        depth = torch.rand(1, 1, 64, 64) + 1.0
        return made.estimate(
            torch.rand(1, 3, 64, 64), depth, depth > 0, torch.Generator(), shrink=shrink
        )

    return fitting.run(work)


def test_what_fits_is_left_alone():
    made, told = estimator(1024), []
    found = estimate(made, FittingSize(True, told.append))
    assert found.depth_B1HW.shape == (1, 1, 64, 64)
    assert (made.network.unet.seen, told) == ([(32, 32)], [])


def test_smaller_until_it_fits_and_remembered():
    made, told = estimator(400), []
    fitting = FittingSize(True, told.append)
    found = estimate(made, fitting)
    assert found.depth_B1HW.shape == (1, 1, 64, 64)
    assert made.network.unet.seen == [(32, 32), (24, 24), (18, 18)]
    assert told == [
        'out of memory: networks now work at 0.75 of the image size',
        'out of memory: networks now work at 0.56 of the image size',
    ]
    estimate(made, fitting)
    assert made.network.unet.seen[3:] == [(18, 18)]
    assert len(told) == 2


def test_not_allowed_is_one_line_with_the_fix():
    with pytest.raises(
        BackendError,
        match=r'^out of memory: CUDA out of memory. Tried to allocate'
        r' 20 GiB.; .*allow_smaller:=true$',
    ):
        estimate(estimator(400), FittingSize(False))


@pytest.mark.parametrize(
    ('take', 'words'),
    [
        (lambda: torch.empty(1 << 45), "can't allocate memory|not enough memory"),
        (lambda: np.empty(1 << 46), 'Unable to allocate'),
    ],
)
def test_the_cpu_runs_out_of_memory_as_a_gpu_does(take, words):
    with pytest.raises(BackendError, match=rf'^out of memory: .*({words}).*allow_smaller:=true$'):
        FittingSize(False).run(lambda shrink: take())
    told = []
    found = FittingSize(True, told.append).run(lambda shrink: shrink if shrink < 0.6 else take())
    assert found == pytest.approx(0.5625)
    assert len(told) == 2


@pytest.mark.parametrize(
    'text',
    [
        'Error in execution: Failed to allocate memory for requested buffer of size 288000000',
        'CUDA error: out of memory',
        'std::bad_alloc',
    ],
)
def test_other_libraries_word_it_in_a_plain_runtime_error(text):
    assert is_out_of_memory(RuntimeError(text))
    assert not is_out_of_memory(ValueError(text))


def test_other_errors_are_passed_on():
    def broken(shrink):
        raise RuntimeError('mat1 and mat2 shapes cannot be multiplied')

    with pytest.raises(RuntimeError, match='shapes cannot be multiplied'):
        FittingSize(True).run(broken)


class Hungry(torch.nn.Module):
    """Runs out of memory for large images, but not during export."""

    def forward(self, image):
        if image.shape[-1] > 48 and not torch.compiler.is_exporting():
            torch.empty(1 << 45)
        return image * 2.0


def test_the_self_check_goes_on_with_smaller_images_too(tmp_path):
    run = on_cpu('onnx', tmp_path, max_abs_rel=0.1)(Hungry(), 'hungry')

    def work(shrink):
        return run(torch.rand(1, 3, round(64 * shrink), round(64 * shrink)))

    with pytest.raises(BackendError, match=r'^out of memory: '):
        FittingSize(False).run(work)
    told = []
    assert FittingSize(True, told.append).run(work).shape == (1, 3, 48, 48)
    assert told == ['out of memory: networks now work at 0.75 of the image size']
    assert run.deviation is not None, 'the smaller size was compared'


def test_there_is_an_end():
    made = estimator(0)
    with pytest.raises(BackendError, match=r'even at 0.24 of the image size.*a smaller model'):
        estimate(made, FittingSize(True))
    assert len(made.network.unet.seen) == 6
