"""Tapeflow: TensorFlow's gradient tape without TensorFlow.

The names are TensorFlow's. What a first gradient needs is loaded at once; every other name and namespace is found in
the tables below when it is first used, and stays.
"""

import warnings
from importlib import import_module

# NumPy warns of overflow, division by zero and invalid values, and TensorFlow does not.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"tapeflow\.")

import tapeflow.autodiff.tape  # noqa: E402
import tapeflow.ops.operators  # noqa: E402, F401 (Python's operators on tensors)

__version__ = "2.21.0"  # of the API that programs see; Tapeflow's own is tf.version.TAPEFLOW_VERSION
newaxis = None

_NAMESPACES = frozenset(
    "__internal__ autodiff autograph bitwise compat config data debugging distribute dtypes errors experimental "
    "linalg math nest nn random sparse strings test types version".split()
)
_KERAS = frozenset("initializers losses metrics optimizers".split())  # as in TensorFlow, Keras's own

_HOME = {
    name: module
    for module, names in {
        "alias": "install",
        "autodiff.custom_gradient": "custom_gradient grad_pass_through recompute_grad stop_gradient",
        "autodiff.tape": "GradientTape",
        "autodiff.vectorized_map": "vectorized_map",
        "core.convert": "convert_to_tensor register_tensor_conversion_function",
        "core.dtype": "DType as_dtype bfloat16 bool complex128 complex64 double float16 float32 float64 half int16 "
        "int32 int64 int8 qint16 qint32 qint8 quint16 quint8 resource string uint16 uint32 uint64 uint8 variant",
        "core.eager": "AggregationMethod control_dependencies device executing_eagerly get_static_value gradients "
        "group hessians init_scope inside_function is_symbolic_tensor is_tensor no_op",
        "core.indexed_slices": "IndexedSlices",
        "core.logging": "get_logger",
        "core.module": "Module",
        "core.naming": "get_current_name_scope name_scope",
        "core.shape": "TensorShape broadcast_static_shape",
        "core.spec": "IndexedSlicesSpec TensorSpec TypeSpec",
        "core.tensor": "Tensor",
        "core.unconnected": "UnconnectedGradients",
        "core.value_spec": "type_spec_from_value",
        "core.variable": "Variable VariableAggregation VariableSynchronization",
        "keras_bridge.absent": "RaggedTensor RaggedTensorSpec SparseTensorSpec",
        "ops.arithmetic": "add divide maximum minimum multiply negative realdiv scalar_mul square subtract truediv",
        "ops.casting": "bitcast cast saturate_cast",
        "ops.clip": "clip_by_global_norm clip_by_norm clip_by_value",
        "ops.compare": "equal greater greater_equal less less_equal logical_and logical_not logical_or not_equal where",
        "ops.complex_parts": "abs complex sign",
        "ops.control_flow": "case cond foldl foldr map_fn scan switch_case while_loop",
        "ops.creation": "constant eye fill linspace one_hot ones ones_like range sequence_mask zeros zeros_like",
        "ops.cumulative": "cumsum",
        "ops.debugging": "Assert assert_equal assert_greater assert_less assert_rank",
        "ops.einsum": "einsum",
        "ops.elementwise": "acos acosh asin asinh atan atan2 atanh cos cosh exp pow sigmoid sin sinh sqrt tan tanh",
        "ops.host": "numpy_function print py_function",
        "ops.histogram": "histogram_fixed_width histogram_fixed_width_bins",
        "ops.indexing": "boolean_mask gather gather_nd slice strided_slice",
        "ops.initializers": "constant_initializer ones_initializer random_normal_initializer "
        "random_uniform_initializer zeros_initializer",
        "ops.linalg": "norm",
        "ops.matmul": "matmul",
        "ops.packing": "dynamic_partition dynamic_stitch stack unstack",
        "ops.random": "random_index_shuffle",
        "ops.reduce": "add_n argmax argmin reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean "
        "reduce_min reduce_prod reduce_sum",
        "ops.rounding": "floor round truncatediv truncatemod",
        "ops.sparse": "SparseTensor",
        "ops.shaping": "broadcast_dynamic_shape broadcast_to concat ensure_shape expand_dims identity identity_n "
        "meshgrid rank reshape shape shape_n size split squeeze transpose unravel_index",
        "ops.sorting": "argsort searchsorted sort unique unique_with_counts",
        "ops.tensor_array": "TensorArray",
        "ops.tensordot": "tensordot",
        "ops.tiling": "pad repeat reverse roll tile",
        "ops.variable_scatter": "scatter_nd tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min "
        "tensor_scatter_nd_sub tensor_scatter_nd_update",
        "tracing.function": "function",
    }.items()
    for name in names.split()
}

__all__ = ["newaxis", *_HOME]


def __getattr__(name):
    module = _HOME.get(name)
    if module is not None:
        value = getattr(import_module(f"tapeflow.{module}"), name)
    elif name in _NAMESPACES:
        value = import_module(f"tapeflow.{name}")
    elif name == "keras":
        from tapeflow.keras_bridge import load_keras

        value = load_keras()
    elif name in _KERAS:
        value = getattr(__getattr__("keras"), name)
    else:
        raise AttributeError(f"module 'tapeflow' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_HOME, *_NAMESPACES, *_KERAS, "keras"})
