"""Helpers of several folders lie beside this file, which puts their folder on the path."""
