"""Furnished rooms: shapes, materials, furniture and where it stands."""
