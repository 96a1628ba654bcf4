"""Random bits and what is made of them, as pure NumPy functions: no tensor, no tape.

`philox` makes the bits, `distributions` turns them into numbers, `seeds` says which bits an operation gets; `native`
knows who makes many numbers faster.
"""
