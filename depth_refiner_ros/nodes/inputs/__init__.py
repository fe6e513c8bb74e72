"""Inputs of nodes: images joined by stamp, and poses."""
