"""ROS 2 bags and messages of any library, read without ROS."""
