"""Where frames come from: recordings, folders, videos, bags and a simulated camera."""
