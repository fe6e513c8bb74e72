"""Training, evaluation and export of priors and refiners; run from a checkout."""
