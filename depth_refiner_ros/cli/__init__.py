"""The ``depth-refiner`` command: one module per sub-command, heavy imports only when it runs."""
