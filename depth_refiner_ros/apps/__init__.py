"""What the commands do, and what several of them share; ``cli`` only parses their flags."""
