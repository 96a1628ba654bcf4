"""The sweep: every primitive's derivatives and batching, checked against what must hold whatever the primitive."""
