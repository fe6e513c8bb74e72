"""
Messages to arrays and back, as pure functions.

``cv_bridge`` is not used even where it is installed: it adds nothing to these functions, and its
binaries break under NumPy 2, its big-endian path too (vision_opencv#535).
"""
