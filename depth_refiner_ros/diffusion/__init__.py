"""The one-step diffusion refiners: latent codecs, UNets, methods, losses."""
