"""Graphs as native code, through LLVM: one function for a whole graph of known shapes."""
