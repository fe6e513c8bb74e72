"""Pictures and pages a person looks at: colour maps, panels, plots, mesh views, the report."""
