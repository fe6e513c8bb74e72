# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Priors and estimators that know one scene exactly, in metres or only up to scale and shift."""

from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.diffusion.bundles import write_refiner_bundle
from depth_refiner_ros.diffusion.estimator import Estimate
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
import torch

WIDTH, HEIGHT = 48, 40


def camera():
    return Intrinsics.from_fov(WIDTH, HEIGHT, 60.0)


def image(batch=1):
    return torch.rand(batch, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))


def scene(batch=1):
    """Return metres with a slope and a step."""
    depth = torch.linspace(1.0, 4.0, WIDTH).expand(batch, 1, HEIGHT, WIDTH).clone()
    depth[..., HEIGHT // 2 :, WIDTH // 2 :] *= 0.6
    return depth


class Disparity:
    """A relative prior that knows the scene up to scale and shift."""

    kind = 'disparity'

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        disparity = 11.0 / scene(len(rgb_B3HW)) + 2.0
        return PriorDepth(depth_B1HW=disparity, kind='disparity')

    def describe(self):
        return ['prior of disparity']


class Exact(Disparity):
    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        return PriorDepth(depth_B1HW=scene(len(rgb_B3HW)), kind='metric')

    def describe(self):
        return ['prior of metres']


class Fixed:
    """An estimator that returns the scene in a given kind and stores its inputs."""

    description = 'fixed'

    def __init__(self, spec, wrong=0):
        self.spec = spec
        self.wrong = wrong
        self.got = None

    def estimate(self, rgb_B3HW, prior_B1HW, known_B1HW, generator, *, shrink=1.0):
        self.got = prior_B1HW
        truth = scene(len(rgb_B3HW))
        value = 1.0 / truth if self.spec.output == 'disparity' else truth
        if self.spec.output != 'metric':
            value = value * 0.3 - 1.0
        value[..., : self.wrong, :] = float(value.max())
        return Estimate(depth_B1HW=value, difference_B1HW=None, kind=self.spec.output)


def settings(**changes):
    return ModelSettings(**{'prior': 'sensor', 'device': 'cpu', 'precision': 'fp32', **changes})


def refiner(estimator, prior=None, scale_prior=None, **changes):
    return DepthRefiner(
        prior or SensorPrior(), estimator, choose('cpu', 'fp32'), settings(**changes), scale_prior
    )


def bundle(folder, network):
    """Write a bundle of a refiner and return its path as an option value."""
    return str(
        write_refiner_bundle(
            folder, network, name='tiny', licence='Apache-2.0', source='random weights'
        ).path
    )
