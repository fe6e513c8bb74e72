"""Official releases of depth diffusion models, as their authors publish them, made usable here."""
