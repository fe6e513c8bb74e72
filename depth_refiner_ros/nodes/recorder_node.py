# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node ``recorder``: depth and color topics as a TUM folder that SLAM programs read."""

from depth_refiner_ros.core.errors import DepthRefinerError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.places import user_path
from depth_refiner_ros.core.stamps import stamp_text
from depth_refiner_ros.mapping.live_recording import LiveRecording
from depth_refiner_ros.mapping.recording import SequenceWriter
from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.inputs.posed_frames import DepthSet
from depth_refiner_ros.nodes.inputs.posed_node import PosedNode
from depth_refiner_ros.nodes.runtime.latency import Stopwatch
from depth_refiner_ros.nodes.runtime.run import run
from depth_refiner_ros.settings.nodes import RecorderNodeSettings
from depth_refiner_ros.sources.ros.topic_names import beside


class RecorderNode(PosedNode):
    """Writes depth, color and poses into a sequence folder."""

    def __init__(self) -> None:
        super().__init__('recorder', RecorderNodeSettings())
        self._writer: LiveRecording | None = None

    @property
    def topic_names(self) -> dict[str, str]:
        """Return the topics in the settings, by usual name."""
        settings = self.settings
        depth = settings.depth_topic
        info = settings.info_topic or (depth and beside(depth, 'camera_info'))
        named = {
            'color/image': settings.image_topic,
            'depth/image': depth,
            'depth/camera_info': info,
            'pose': settings.pose_topic,
        }
        return {name: topic for name, topic in named.items() if topic}

    def process(self, item: DepthSet, watch: Stopwatch) -> None:
        """Write one frame; the first one fixes size and camera of the recording."""
        with watch.stage('decode'):
            frame = self.decoded(item)
        with watch.stage('pose'):
            pose = self.pose_of(item)
        with watch.stage('write'):
            if self._writer is None:
                writer = SequenceWriter(
                    user_path(self.settings.folder),
                    frame.intrinsics,
                    depth_scale=self.settings.depth_scale,
                    profile=self.settings.layout,
                )
                self._writer = LiveRecording(writer, self._leave_out)
            assert frame.rgb_HW3 is not None, 'the recorder waits for color'
            self._writer.add(stamp_ns_of(item.header), frame.rgb_HW3, frame.depth_m_HW, pose)

    def _leave_out(self, stamp_ns: int) -> None:
        """Count a frame that is ahead of the next one; its end was published when it came."""
        line = f'stamp {stamp_text(stamp_ns)} s is ahead of those after it; the frame is left out'
        self.statistics.drop('ahead', line)
        self.get_logger().warning(line)

    def cleanup(self) -> None:
        """Finish the recording."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
        except DepthRefinerError as error:
            self.get_logger().error(str(error))
            return
        self.get_logger().info(
            f'recorded {counted(len(writer), "frame")} in {self.settings.folder}'
        )

    def facts(self) -> dict[str, str]:
        """Return the number of frames written."""
        return {'frames_written': str(0 if self._writer is None else len(self._writer))}


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal ends it."""
    return run('recorder', RecorderNode, args)


if __name__ == '__main__':
    raise SystemExit(main())
