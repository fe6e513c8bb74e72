"""Choose the topics of a bag by their types."""

from typing import Any

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.ros.image import is_depth
from rosbags.highlevel import AnyReader

IMAGES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
INFOS = ('sensor_msgs/msg/CameraInfo',)
POSES = (
    'geometry_msgs/msg/PoseStamped',
    'geometry_msgs/msg/PoseWithCovarianceStamped',
    'geometry_msgs/msg/TransformStamped',
    'nav_msgs/msg/Odometry',
)


def pick_topics(reader: AnyReader, **wanted: str | None) -> dict[str, str | None]:
    """
    Return the topic of each kind: ``image``, ``camera_info``, ``depth``, ``pose``.

    :param wanted: the user's word for each kind: a topic, '' for none, None to find it
    :return: topic or None by kind
    :raises SourceError: where a topic is not in the bag, of a wrong type or one of several
    """
    found = _candidates(reader)
    topics = {kind: _pick(reader, kind, topic, found[kind]) for kind, topic in wanted.items()}
    if topics['image'] is None:
        raise SourceError(
            f'the bag {_where(reader)} has no color image; its topics: {_listed(reader)}'
        )
    return topics


def _candidates(reader: AnyReader) -> dict[str, list[str]]:
    filled = [link for link in reader.connections if link.msgcount]
    images = {link.topic: _first(reader, link) for link in filled if link.msgtype in IMAGES}
    return {
        'image': sorted(topic for topic, first in images.items() if not is_depth(first)),
        'depth': sorted(topic for topic, first in images.items() if is_depth(first)),
        'camera_info': sorted({link.topic for link in filled if link.msgtype in INFOS}),
        'pose': sorted({link.topic for link in filled if link.msgtype in POSES}),
    }


def _pick(reader: AnyReader, kind: str, wanted: str | None, candidates: list[str]) -> str | None:
    if wanted == '':
        return None
    if wanted is not None:
        if wanted not in candidates:
            raise SourceError(
                f'{kind}_topic {wanted!r} is not a {kind} topic of the bag '
                f'{_where(reader)}; choose from: '
                f'{", ".join(candidates) or "none"} (all: {_listed(reader)})'
            )
        return wanted
    if len(candidates) > 1:
        raise SourceError(
            f'the bag {_where(reader)} has several {kind} topics; choose '
            f'{kind}_topic from: {", ".join(candidates)}'
        )
    return candidates[0] if candidates else None


def _first(reader: AnyReader, link: Any) -> Any:
    _, _, data = next(reader.messages(connections=[link]))
    return reader.deserialize(data, link.msgtype)


def _listed(reader: AnyReader) -> str:
    return (
        ', '.join(
            sorted(
                {
                    f'{link.topic} ({link.msgtype.split("/")[-1]}, {link.msgcount})'
                    for link in reader.connections
                }
            )
        )
        or 'none'
    )


def _where(reader: AnyReader) -> str:
    return ', '.join(str(path) for path in reader.paths)
