"""Rendered rooms, what is done to them, and batches drawn from them."""
