"""What is trained: one file per model, with what of it is frozen and how it becomes a bundle."""
