"""`python -m tapeflow` and `tapeflow`: run a program with `tensorflow` standing for Tapeflow."""

import os
import sys

USAGE = """\
usage: tapeflow script.py [arguments]     run a program, as `python script.py` would,
       tapeflow -m module [arguments]     a module,
       tapeflow -c code [arguments]       a line of code,
       tapeflow - [arguments]             or what comes in on standard input,

with `import tensorflow` meaning Tapeflow, sub-modules included. The program needs no change,
and TensorFlow need not be installed. The same from code: tapeflow.install(), or import tapeflow as tf.

  -h, --help       this help
  -V, --version    Tapeflow's version
"""


def main():
    """The console script: takes its arguments from `sys.argv`, returns the exit status."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    first = arguments[0]
    if first in ("-V", "--version"):
        from importlib.metadata import version

        print("Tapeflow", version("tapeflow"))
        return 0
    if first in ("-m", "-c"):
        if len(arguments) == 1:
            return fail(f"argument expected for the {first} option", 2)
        return RUN[first](arguments[1], arguments[2:])
    if first == "-":
        return run_code(sys.stdin.read(), arguments[1:], "-", "<stdin>")
    if first.startswith("-"):
        return fail(f"unknown option {first}; `tapeflow --help` lists what there is", 2)
    return run_script(first, arguments[1:])


def fail(message, status):
    print(f"tapeflow: {message}", file=sys.stderr)
    return status


def prepare(argv, path):
    """`sys.argv` and `sys.path` as the program would have found them, and the alias in place."""
    from tapeflow.alias import install

    sys.argv[:] = argv
    if not sys.flags.safe_path:
        sys.path[0] = path
    sys.excepthook = show
    install()


def show(kind, error, trace):
    """Prints an exception as the program alone would have, without the frames that started the program."""
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, "<frozen runpy>"):
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


def run_script(script, arguments):
    where = os.path.abspath(script)
    if os.path.isdir(script) or script.endswith((".zip", ".pyz")):
        import runpy

        prepare([script, *arguments], where)
        runpy.run_path(script, run_name="__main__")
        return 0
    try:
        with open(script, "rb") as file:
            source = file.read()
    except OSError as error:
        return fail(f"can't open file {where!r}: [Errno {error.errno}] {error.strerror}", 2)
    prepare([script, *arguments], os.path.dirname(os.path.realpath(script)))
    return run_main(source, where, __file__=where, __cached__=None)


def run_module(name, arguments):
    import importlib.util
    import runpy

    prepare([name, *arguments], os.getcwd())
    if importlib.util.find_spec(name) is None:
        return fail(f"No module named {name}", 1)
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    return 0


def run_code(code, arguments, name="-c", where="<string>"):
    prepare([name, *arguments], "")
    return run_main(code, where)


def run_main(source, where, **names):
    """Runs source text as the module `__main__`, which stays in place for what runs at exit."""
    program = type(sys)("__main__")
    vars(program).update(names)
    sys.modules["__main__"] = program
    exec(compile(source, where, "exec"), vars(program))
    return 0


RUN = {"-m": run_module, "-c": run_code}

if __name__ == "__main__":
    sys.exit(main())
