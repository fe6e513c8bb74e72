"""Posed depth in, surface out: TSDF volume, mesh, tracking, trajectories and recordings."""
