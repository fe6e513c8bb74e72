# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Folders, hub ids, and a network that is not there."""

import time

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.releases.load import load_release
from depth_refiner_ros.diffusion.releases.places import locate
from depth_refiner_ros.models.hub import fetch, is_hub_id
from huggingface_hub import constants
import pytest

from tests.diffusion.releases import official_folders as official

NOBODY = 'http://127.0.0.1:9'
"""Port 9 of this machine: refused at once, and no network."""


@pytest.fixture(autouse=True)
def unreachable(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(constants, 'ENDPOINT', NOBODY)


@pytest.mark.parametrize('where', ['developy/ApDepth', 'someone/else@v1', 'not/there'])
def test_without_network_one_line_says_what_to_do(where):
    begun_s = time.monotonic()
    with pytest.raises(WeightsError, match='name the local folder') as caught:
        load_release(where)
    assert time.monotonic() - begun_s < 10.0
    assert str(caught.value).startswith(f'{where} is not a local folder, and the Hugging Face hub')
    assert '\n' not in str(caught.value)


def test_offline_mode_is_respected(monkeypatch):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    with pytest.raises(WeightsError, match='outgoing traffic has been disabled'):
        fetch('developy/ApDepth', ['unet/*'])


@pytest.mark.parametrize(
    'where', ['nowhere', './a/b', '/nowhere/at/all', 'a/b/c', '~/nothing', '', 'a//b']
)
def test_what_is_neither_folder_nor_id(where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'nowhere').touch()
    if where == '':
        assert not is_hub_id(where)
        return
    with pytest.raises(WeightsError, match=r'neither a folder nor a hub id \(owner/name\)'):
        locate(where)


def test_what_is_on_no_hub_says_where_it_is():
    with pytest.raises(WeightsError, match='is not on the hub: GitHub release'):
        locate('Qualcomm-AI-research/SharpDepth')


@pytest.mark.parametrize(
    ('where', 'fix'),
    [
        ('zysong212/DepthMaster', 'see depth-refiner models list'),
        ('Intel/zoedepth-nyu-kitti', 'use prior:=zoedepth'),
    ],
)
def test_what_is_no_refiner_is_told_from_its_name(where, fix, tmp_path):
    folder = tmp_path / where.split('/')[-1]
    folder.mkdir()
    for named in (where, str(folder)):
        with pytest.raises(
            WeightsError, match=f'is known as {where} .* not a refiner of this package; {fix}'
        ):
            locate(named)


def test_the_form_of_a_hub_id(subtests):
    cases = [
        ('a/b', True),
        ('a-b.c/d_e@main', True),
        ('a/b@0123abc', True),
        ('a', False),
        ('a/b/c', False),
        ('/a/b', False),
        ('./a', False),
        ('../a', False),
        ('a/b@', False),
        ('', False),
    ]
    for text, is_one in cases:
        with subtests.test(text=text, is_one=is_one):
            assert is_hub_id(text) is is_one


def test_the_cache_serves_without_network(tmp_path):
    official.in_cache(tmp_path / 'cache', official.apdepth, 'developy/ApDepth')
    release = load_release('developy/ApDepth')
    assert release.name == 'ApDepth'
    assert release.source == f'developy/ApDepth@{"a" * 12}'
    assert release.network.spec.method == 'apdepth'


def test_a_cached_pickle_names_the_hub_id_to_import(tmp_path):
    folder = official.in_cache(tmp_path / 'cache', official.apdepth, 'developy/ApDepth')
    official.pickled(folder)
    with pytest.raises(WeightsError, match='depth-refiner models import developy/ApDepth NEW_FO'):
        load_release('developy/ApDepth')
    assert load_release('developy/ApDepth', pickles=True).name == 'ApDepth'


def test_a_folder_of_the_cache_is_known_by_its_repository(tmp_path):
    hub_id = 'prs-eth/marigold-depth-v1-1'
    place = locate(str(official.in_cache(tmp_path / 'cache', official.marigold, hub_id)))
    assert place.model.id == hub_id
    assert place.source == f'a copy of {hub_id}'


def test_a_folder_goes_before_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    official.apdepth(tmp_path / 'developy')
    assert locate('developy/ApDepth').folder.resolve() == tmp_path / 'developy/ApDepth'
