"""Pictures and pages a person looks at: color maps, panels, plots, mesh views, the report."""
