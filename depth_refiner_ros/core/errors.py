# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
One family of errors for everything that a user can fix.

Each message is one line that names the offending value and the fix. Command-line programs
print it and exit with code 2; anything outside this family is a bug and keeps its traceback.
"""

from depth_refiner_ros.core.messages import printable


class DepthRefinerError(Exception):
    """A mistake in the input or the setup, with the fix in its message."""

    def __str__(self) -> str:
        """Return the message on one line, whatever names and values it quotes."""
        return printable(super().__str__())


class InputError(DepthRefinerError):
    """An image, depth map, camera model or message that cannot be used."""


class SettingsError(DepthRefinerError):
    """An unknown option, or a value outside its range."""


class WeightsError(DepthRefinerError):
    """A weight bundle that is missing, corrupt, truncated or of another kind."""


class SourceError(DepthRefinerError):
    """A recording or folder that cannot be read."""


class BackendError(DepthRefinerError):
    """A device or backend that is not available or gives wrong results."""


class MappingError(DepthRefinerError):
    """A pose, volume or mesh that cannot be used."""


class OutputError(DepthRefinerError):
    """A file or folder that cannot be written."""
