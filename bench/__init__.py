"""The benchmark: Tapeflow and its peers, turn by turn in one run (`make bench`, `python -m bench --help`)."""
