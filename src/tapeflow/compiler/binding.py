"""LLVM in this process, by `llvmlite.binding`: what `library` does, with any version of llvmlite."""

import functools

import llvmlite.binding as llvm

from tapeflow.compiler import avx512
from tapeflow.compiler.library import CODE_MODEL, tuning

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()


def triple():
    """What LLVM calls this machine."""
    return llvm.get_default_triple()


def host():
    """The processor's name and its features, as LLVM's options."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def _machine():
    cpu, features = host()
    return llvm.Target.from_default_triple().create_target_machine(cpu, features, 2, "pic", CODE_MODEL, jit=True)


def compiled(text, level, assembly=False):
    """The machine code of a module in LLVM's assembly language, bytes; or the machine's own assembly language."""
    machine = _machine()
    with llvm.create_context() as context, llvm.parse_assembly(text, context) as module:  # given up in this order
        module.triple = machine.triple
        module.data_layout = str(machine.target_data)
        options = llvm.create_pipeline_tuning_options(speed_level=level)
        wanted = tuning(level)
        options.slp_vectorization = wanted["SLPVectorization"]
        options.loop_unrolling = wanted["LoopUnrolling"]
        options.loop_vectorization = wanted["LoopVectorization"]
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
        definitions = avx512.definitions(text)
        if definitions:
            module.link_in(llvm.parse_assembly(definitions, context))
            options.speed_level = 0  # puts them where they are called
            builder.getModulePassManager().run(module, builder)
        return machine.emit_assembly(module) if assembly else machine.emit_object(module)


@functools.cache
def _jit():
    return llvm.create_lljit_compiler(_machine())


class Linked:
    """Object code in memory: `address[name]` of what it exports, for as long as this lives."""

    def __init__(self, name, codes, imports, exports):
        builder = llvm.JITLibraryBuilder().add_current_process()
        for code in codes:
            builder.add_object_img(code)
        for symbol, address in imports:
            builder.import_symbol(symbol, address)
        for symbol in exports:
            builder.export_symbol(symbol)
        self._tracker = builder.link(_jit(), name)
        self.address = {symbol: self._tracker[symbol] for symbol in exports}
