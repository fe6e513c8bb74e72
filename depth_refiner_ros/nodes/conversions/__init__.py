"""
Arrays to messages, and camera_info back, as pure functions.

Images are read by ``sources/ros_image.py``, those of bags and of live topics alike.

``cv_bridge`` is not used even where it is installed: it adds nothing to these functions, and its
binaries break under NumPy 2, its big-endian path too (vision_opencv#535).
"""
