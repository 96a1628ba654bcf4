"""The operations, by family: each primitive stated once, and the composites over them."""
