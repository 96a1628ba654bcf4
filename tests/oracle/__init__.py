"""The oracle: what real TensorFlow 2.21 does, recorded once and replayed without it.

cases/        what is asked, as data, by family
record.py     asks TensorFlow and writes recordings/ (needs TensorFlow; nothing else here does)
recordings/   what it answered
replay.py     asks Tapeflow the same, in any mode, and compares
differences.py  where Tapeflow differs on purpose
api/          the public names and signatures of the core
"""
