"""Programs as graphs: flat lists of applications of primitives, how they run on NumPy, and how they are improved."""
