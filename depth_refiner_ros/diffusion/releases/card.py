# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read the licence from a release's model card."""

import re

from depth_refiner_ros.diffusion.releases.places import Place

CARD = 'README.md'
FRONT_MATTER = re.compile(r'\A---\s*\n(.*?)\n---', re.DOTALL)
LICENCE = re.compile(r'^licen[cs]e(?:_name)?:\s*([^\s#\[][^#\n]*)', re.MULTILINE)
UNKNOWN = 'unknown'


def licence_of(place: Place) -> str:
    """Return the licence from the catalogue, else the model card, else ``unknown``."""
    if place.model is not None:
        return place.model.licence
    try:
        text = (place.folder / CARD).read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError):
        return UNKNOWN
    front = FRONT_MATTER.match(text)
    found = LICENCE.search(front.group(1)) if front else None
    return found.group(1).strip().strip('\'"') if found else UNKNOWN
