"""Rendered rooms, their augmentation, and batches."""
