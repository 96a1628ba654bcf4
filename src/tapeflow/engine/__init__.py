"""The engine: what a primitive is, how one is applied, who listens. It names no operation."""
