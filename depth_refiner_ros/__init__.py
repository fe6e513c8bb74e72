"""Sharp metric depth from one camera: a metric prior and a one-step refiner for ROS 2."""

__version__ = '0.1.0'
