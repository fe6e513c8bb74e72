"""Video files."""

from collections.abc import Iterator
from pathlib import Path

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import Frame
import numpy as np

MISSING_SHARE = 0.05
"""Some containers only estimate their frame count; more missing frames mean a broken file."""


class VideoSource:
    """
    The frames of a video file, stamped from its start.

    :param path: any container that this OpenCV reads
    :param intrinsics: camera of the frames
    :param horizontal_fov_deg: field of view instead of intrinsics; without either it is unknown
    :raises SourceError: where the file is missing or no video, or sizes do not fit
    """

    def __init__(
        self,
        path: Path | str,
        intrinsics: Intrinsics | None = None,
        horizontal_fov_deg: float | None = None,
    ) -> None:
        self.path = Path(path)
        self.name = self.path.stem
        if not self.path.is_file():
            raise SourceError(f'there is no video file {path}')
        video = self._open()
        width = int(video.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.rate_hz = float(video.get(cv2.CAP_PROP_FPS))
        self._frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        video.release()
        if self._frames < 1:
            raise SourceError(f'{path} does not say how many frames it has; convert it to mp4')
        if not self.rate_hz > 0:
            raise SourceError(f'{path} has a rate of {self.rate_hz:g} Hz; convert it to mp4')
        self.intrinsics = _camera(width, height, intrinsics, horizontal_fov_deg)

    def __len__(self) -> int:
        return self._frames

    def __iter__(self) -> Iterator[Frame]:
        video = self._open()
        last_ns, index = -1, 0
        try:
            while True:
                stamp_ns = round(video.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
                more, bgr_HW3 = video.read()
                if not more:
                    break
                if stamp_ns <= last_ns:
                    stamp_ns = last_ns + round(1e9 / self.rate_hz)
                yield Frame(
                    stamp_ns=stamp_ns,
                    rgb_HW3=np.ascontiguousarray(bgr_HW3[..., ::-1]),
                    intrinsics=self.intrinsics,
                    name=f'{self.name}_{index:06d}',
                )
                last_ns, index = stamp_ns, index + 1
        finally:
            video.release()
        if index < (1.0 - MISSING_SHARE) * self._frames:
            raise SourceError(
                f'{self.path} is broken: {index} of {self._frames} frames came; '
                'copy or convert it again'
            )

    def _open(self) -> cv2.VideoCapture:
        video = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        if not video.isOpened():
            raise SourceError(
                f'{self.path} is cut short, no video or of a kind that this OpenCV '
                'does not read; convert it to mp4'
            )
        return video


def _camera(
    width: int, height: int, intrinsics: Intrinsics | None, horizontal_fov_deg: float | None
) -> Intrinsics | None:
    if intrinsics is not None and horizontal_fov_deg is not None:
        raise SourceError('give either intrinsics or a field of view, not both')
    if horizontal_fov_deg is not None:
        return Intrinsics.from_fov(width, height, horizontal_fov_deg)
    if intrinsics is not None and (intrinsics.width, intrinsics.height) != (width, height):
        raise SourceError(
            f'video of {width}x{height} does not fit the camera of '
            f'{intrinsics.width}x{intrinsics.height}'
        )
    return intrinsics
