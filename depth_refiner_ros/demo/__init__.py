"""The demo: camera, refiner and fusion as ROS nodes, watched and judged against the truth."""
