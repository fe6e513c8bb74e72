"""ROS 2 adapters: convert messages, call the library, publish. Nothing is computed here."""
