"""Every option of the package, once: name, default, unit, range, documentation."""
