# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Begin a narrower small refiner with the channels of a wider one.

``python -m training.tools.narrow BUNDLE|bundled OUT CHANNELS [shallower]`` writes a bundle whose
UNet has as many features at each size as CHANNELS says, such as 40,56,96,128: those that count
most in the given one. With fewer numbers than that one has sizes, the smallest sizes go.
``shallower`` leaves one residual block at full latent size. It is a start and no more;
``training/configs/apdepth_narrow_taught.yaml`` and ``apdepth_quick_taught.yaml`` distil it.
"""

from pathlib import Path
import sys

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.diffusion.bundles import read_refiner, write_refiner_bundle
from depth_refiner_ros.diffusion.small import build_small
from depth_refiner_ros.models.bundle import open_bundle
from training.models.fewer_levels import with_fewer_levels
from training.models.narrower import narrowed
from training.models.shallower import shallower
from training.program import ended

SHALLOWER = 'shallower'


def narrow(where: str, out: Path, channels: str, *, shallow: bool = False) -> None:
    """
    Write a narrower refiner.

    :param where: a folder, or ``bundled``
    :param channels: numbers with commas between them
    :param shallow: leave one residual block at full latent size
    :raises SettingsError: where they are not numbers that a UNet can have
    """
    bundle = open_bundle(where, 'refiner', 'apdepth')
    source = read_refiner(bundle)
    if shallow:
        source = shallower(source)
    try:
        blocks = tuple(int(number) for number in channels.split(','))
        sizes = len(source.unet.config.block_out_channels)
        if len(blocks) > sizes:
            raise ValueError(f'{where} has {sizes} sizes')
        if len(blocks) < sizes:
            source = with_fewer_levels(source, len(blocks))
        layers = source.unet.config.layers_per_block
        target = build_small(
            source.spec,
            block_channels=blocks,
            layers_per_block=layers,
            activation=source.unet.config.act_fn,
        )
    except ValueError as error:
        raise SettingsError(
            f'CHANNELS = {shown(channels)} must be multiples of 8, one for each size, such as '
            f'40,56,96,128: {error}'
        ) from error
    narrowed(source, target)
    licence = bundle.manifest['licence']
    name = f'{bundle.manifest["name"]}-narrowed'
    write_refiner_bundle(out, target, name=name, licence=licence, source='')


def main(arguments: list[str]) -> int:
    """Narrow as the arguments say; return the exit code."""
    shallow = arguments[3:] == [SHALLOWER]
    if len(arguments) != 3 + shallow:
        print(__doc__)
        return 0 if arguments in (['-h'], ['--help']) else 2
    where, out, channels = arguments[:3]
    return ended(lambda: narrow(where, Path(out), channels, shallow=shallow))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
