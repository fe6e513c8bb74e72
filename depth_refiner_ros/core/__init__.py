"""The arithmetic of metric depth, in torch, free of ROS, files and networks."""
