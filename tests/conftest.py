"""Helpers that several folders share lie beside this file, which puts their folder on the path."""
