# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""rosbag2's own description of a bag: ``metadata.yaml``, and its copies within storage files."""

from collections.abc import Mapping
import copy
from typing import Any

from depth_refiner_ros.bags.additions import Additions
import yaml

ROOT = 'rosbag2_bagfile_information'


def with_additions(
    text: str, additions: Additions, added_to: Mapping[str, int] | None = None
) -> str:
    """
    Return a description with the added topics and messages.

    Each is recorded at the time of its image, so start and duration stay.

    :param text: YAML, with or without the name of the whole around it
    :param added_to: number of messages added to each storage file, where the text lists files
    :raises yaml.YAMLError, LookupError, TypeError, AttributeError: if it is no such description
    """
    whole = yaml.safe_load(text)
    info = whole.get(ROOT, whole)
    topics = info.get('topics_with_message_count')
    if topics:
        topics += [_entry(topics, additions, index) for index in range(len(additions.topics))]
    total = sum(additions.count(index) for index in range(len(additions.topics)))
    if 'message_count' in info:
        info['message_count'] += total
    for file in info.get('files') or ():
        file['message_count'] += (added_to or {}).get(file['path'], 0)
    return str(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=1000))


def _entry(topics: list[dict[str, Any]], additions: Additions, index: int) -> dict[str, Any]:
    """Return the entry of an added topic, like that of its image."""
    topic = additions.topics[index]
    like = next(
        (entry for entry in topics if entry['topic_metadata']['name'] == topic.image), topics[0]
    )
    entry = copy.deepcopy(like)
    entry['topic_metadata'] |= {'name': topic.name, 'type': topic.kind}
    if 'type_description_hash' in entry['topic_metadata']:
        entry['topic_metadata']['type_description_hash'] = topic.digest
    entry['message_count'] = additions.count(index)
    return entry
