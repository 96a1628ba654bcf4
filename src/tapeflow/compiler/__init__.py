"""Graphs as native code, through LLVM: one call of machine code for a whole graph of known shapes.

What became of a function can be read. `print(f.get_concrete_function(x))` shows the graph, an operation a line, and,
once the function has been called, a paragraph for each set of shapes that it was compiled for:

    compiled for (float32[1,10]): 2 loops in 1 native call, 0 NumPy kernels in between, 128 B of scratch memory
      1. over 5
           MatMul -> float32[1,5] in scratch at 0   # line 10
           AddV2, Relu -> float32[1,5] in scratch at 64   # line 10
      2. over one element
           ...

- A number is a group: one nest of loops over the domain that is named. A matrix product runs the
  loops for some of its rows and columns at a time, or is computed first. "in 4 parts": threads share them.
- A line is a value that is kept: the operations that lead to it and to nothing else before it, which are computed
  element by element in registers and never stored, then its type, where it is, and the user's own line. What stands in
  one group was fused.
- "in scratch at 64" is the arena, one piece of memory for the call, in which values that do not live at the same time
  share places; "in a new array" is a result; "as the variable's new value" an array that takes the place of the old
  one; "over the variable's old value" an update in place, of large variables whose old value nothing reads any more.
- "MatrixInverse on NumPy" is a primitive without native code: the call stops there and runs its NumPy kernel. It costs
  speed, never correctness. "If: variables are assigned before it and read again after it": its branches, or the Python
  code that it calls, may do with variables what they like. "Assert where it fails": after an effect, an assertion is
  tested here; elsewhere it is native code. "not compiled: ..." says why a whole graph runs on NumPy.

- "a native loop of 300 rounds" is a `tf.while_loop`, `for` or `tf.scan` that is native code as a whole; what its test
  and its body are stands below it. There "in a register" is a single number, "as what the round gives" an array that
  the next round reads, or a row of a stack, and "in place" an array of which a round writes some rows. "While on NumPy"
  is a loop that does more than compute (it prints, assigns, or has what has no native code): its rounds are Python's,
  unless it says "its rounds are native, many at a time", which is seen after the first 1000 of them (`strides.py`).

A failure in a compiled step is raised with the operation's error, and a note with the user's line. Compiled code and
the plans of graphs that are native as a whole are kept on disk (`cache.py`): in $TAPEFLOW_CACHE_DIR, or `tapeflow` in
the user's cache folder. `tf.config.threading.set_intra_op_parallelism_threads(n)` says how many threads share the loops
of what is compiled from then on.

The stages, each a module that can be read by itself:

===============  ======================================================================================================
graph/specialize every size becomes an int, what is known then a constant
program          terms: what one element of each value is
translations     which terms a graph's nodes are: `moves` (elements at other places), `places` (gathers), `softmax` (and
                 the losses of classes), `rows` (of a `TensorArray`)
schedule         terms as groups of loops: what is fused, what is stored
plan             where each value is kept, which variables are updated in place
products         what of the loops after a matrix product the product does itself
split            how loops are parted between threads
kernel           a group's loops as LLVM's assembly language
chains, stages   the order of a long loop's instructions; such a loop as two, with what is half way in memory
routines         what is no matter of one element: `philox` (random numbers), `scatter` (rows put into arrays), `scans`
                 (running sums), `order` (top_k, sort), `draws` (shuffles, categorical), `matrices`
                 (small ones)
accumulator      how reductions add up
code             a plan's functions, and the matrix products
loop, loop_code  the loops of a graph that are native as a whole
strides          loops with effects: many rounds at once, up to one that has an effect
jit, cache       from text to code in memory, by several threads, or from the disk
stored, identity plans on disk, and what they depend on: a second process needs none of the stages above
loader           machine code into memory without LLVM, on Linux
library, binding LLVM, by llvmlite's shared library, or by its Python part
driver           the Python function that calls it all
runtime          what compiled code calls: `gemm`, `threads`; eager random numbers
===============  ======================================================================================================

`lowerings` says what elementwise primitives are in LLVM's terms, `halves` the same for float16 and bfloat16,
`elementary` how exp, sin and their kin are computed (docs/accuracy.md has their errors), `avx512` the instructions
that some of them are made of, `affine` where an element of one array is in another, `emit` how instructions are
written, `vectors` those of vectors, `objects` where Python keeps the memory of arrays, `explain` the text above.
"""
