# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bundles whose JSON holds values of foreign types and sizes: read, or refused in one line."""

import json

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.bundles import read_refiner, write_refiner_bundle
from depth_refiner_ros.models.bundle import MANIFEST, open_bundle, sha256
from depth_refiner_ros.priors.bundled import read_prior_network, write_prior_bundle
from depth_refiner_ros.priors.network import MetricNetwork, MetricNetworkConfig
from hypothesis import example, given, strategies
import pytest

from tests.foreign_values import changes_of, fuzzed, VALUES
from tests.tiny_networks import lotus, small

FUZZED = fuzzed(100)


def refiner(folder, network):
    return write_refiner_bundle(folder, network, name='tiny', licence='MIT', source='')


@pytest.fixture(scope='module')
def bundles(tmp_path_factory):
    """Return small bundles by name, each with its reader."""
    folder = tmp_path_factory.mktemp('foreign')
    shape = MetricNetworkConfig(
        channels=(8, 8, 8), blocks=(1, 1, 1), decoder_channels=(8, 8), groups=4
    )
    return {
        'small': (refiner(folder / 'small', small()), read_refiner),
        'lotus': (refiner(folder / 'lotus', lotus()), read_refiner),
        'prior': (write_prior_bundle(folder / 'p', MetricNetwork(shape), {}), read_prior_network),
    }


def read_changed(bundle, read, file, change):
    """Read a bundle with a changed file and matching hash, then restore it."""
    path, manifest = bundle.path / file, bundle.path / MANIFEST
    before = path.read_text(), manifest.read_text()
    try:
        path.write_text(json.dumps(change(json.loads(before[0]))))
        if file != MANIFEST:
            tree = json.loads(before[1])
            tree['sha256'][file] = sha256(path)
            manifest.write_text(json.dumps(tree))
        opened = open_bundle(bundle.path, bundle.kind)
        opened.describe()
        read(opened)
    except WeightsError as error:
        assert '\n' not in str(error)  # noqa: PT017  or it was read
        assert len(str(error)) < 1000  # noqa: PT017
    finally:
        path.write_text(before[0])
        manifest.write_text(before[1])


PARTS = {'small': 'unet/config.json', 'lotus': 'vae/config.json', 'prior': 'network/config.json'}


@pytest.mark.parametrize('name', PARTS)
@FUZZED
@given(data=strategies.data())
def test_configurations_of_networks(bundles, name, data):
    bundle, read = bundles[name]
    changes = data.draw(changes_of(bundle.json(PARTS[name])))
    read_changed(bundle, read, PARTS[name], lambda tree: tree | changes)


@pytest.mark.parametrize(
    ('name', 'wrong'),
    [
        ('small', {'layers_per_block': 10**9}),  # minutes of building, or for ever
        ('small', {'block_out_channels': [10**9] * 4}),
        ('small', {'layers_per_block': [[[1]]]}),
        ('small', {'norm_num_groups': 0}),
        ('small', {'down_block_types': []}),
        ('small', {'norm_eps': True}),  # would count as 1
        ('lotus', {'scaling_factor': float('nan')}),
        ('lotus', {'scaling_factor': None}),
        ('lotus', {'down_block_types': 'DownEncoderBlock2D'}),
        ('prior', {'blocks': [10**9, 1, 1]}),
        ('prior', {'input_width': 10**400}),
        ('prior', {'mirror': 'no'}),
        ('prior', {'channels': ['8', 8, 8]}),
    ],
)
def test_known_cases_are_refused_by_name(bundles, name, wrong):
    bundle, read = bundles[name]

    def refused(opened):
        with pytest.raises(WeightsError, match=r'config\.json'):
            read(opened)

    read_changed(bundle, refused, PARTS[name], lambda tree: tree | wrong)


@FUZZED
@given(data=strategies.data())
def test_specs(bundles, data):
    bundle, read = bundles['lotus']
    changes = data.draw(changes_of([*bundle.manifest['spec'], 'difference', 'unknown']))
    read_changed(bundle, read, MANIFEST, lambda tree: tree | {'spec': tree['spec'] | changes})


@FUZZED
@given(data=strategies.data())
@example(data=None)
def test_manifests(bundles, data):
    bundle, read = bundles['small']
    names = ('format', 'kind', 'name', 'licence', 'sha256', 'spec', 'source', 'training')
    changes = {'sha256': {'unet/config.json': 7}} if data is None else data.draw(changes_of(names))
    read_changed(bundle, read, MANIFEST, lambda tree: tree | changes)


def test_values_of_any_length_make_short_messages(bundles):
    bundle, read = bundles['small']
    giant = {'': [10**300] * 50, 'long': 'x' * 5000}
    for name in ('format', 'kind', 'name', 'licence', 'sha256', 'spec'):
        read_changed(bundle, read, MANIFEST, lambda tree, name=name: tree | {name: giant})


@FUZZED
@given(tree=VALUES)
def test_any_json_in_place_of_a_file(bundles, tree):
    bundle, read = bundles['small']
    for file in (MANIFEST, 'unet/config.json'):
        read_changed(bundle, read, file, lambda _: tree)
