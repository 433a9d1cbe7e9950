"""The language of kernels: small, typed, frozen. Imports nothing else of this package."""
