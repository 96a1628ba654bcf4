"""Where Tapeflow differs from TensorFlow on purpose.

Case pattern -> the heading in docs/differences.md that gives the reason. `*` is the only wildcard. A pattern
may begin with a mode (`traced:tf.print/*`). Every case that matches differs: one that agrees with TensorFlow
after all fails. A pattern that begins with `~` is of a family in which some cases differ and some do not: it
fails when none does.
"""

_BY_HEADING = {
    "The conjugate in complex derivatives": [
        *[
            f"~tf.math.{name}/*c{bits}*"
            for name in ("multiply_no_nan", "xlogy", "xlog1py", "xdivy", "cumprod", "squared_difference")
            for bits in (64, 128)
        ],
        "tf.linalg.det/complex*",
        "tf.linalg.tridiagonal_solve/c*(3,4),c*(4*)",
        "~tf.nn.silu/*c*",
        "tf.nn.moments/c64(2,3),[0]",
        "tf.nn.weighted_moments/c64(2,3),[0],1.0",
        "tf.math.segment_prod/c*(4,2),[0,0,1,3]",
        "tf.math.unsorted_segment_prod/c*(4,2),[2,0,2,3],5",
        "tf.GradientTape/tf.math.cumprod(x) x=c64(2),y=c64(2)",
        "tf.GradientTape/tf.math.squared_difference(x, y) x=c64(2),y=c64(2)",
        "tf.GradientTape/tf.math.xlogy(x, y) x=c64(2),y=c64(2)",
    ],
    "Derivatives of products with a zero in them": [
        "~tf.math.cumprod/*edge*",
        "tf.math.cumprod/zeros-*",
        "tf.GradientTape/tf.math.cumprod(x) x=f32(4)",
        "tf.GradientTape/second_order-tf.math.cumprod(x)",
        "tf.GradientTape/second_order-tf.reduce_prod(x)",
    ],
    "Derivatives that TensorFlow lacks": [
        "tf.GradientTape/second_order-tf.math.softsign(x)",
        "~tf.math.top_k/*index_type=int*",
        "tf.transpose/f32(2,3,1),[-1,0,1]",
        "tf.gather_nd/f32(3,2),[0]",
        "tf.gather_nd/f32(3,2),i16(1,1)",
        "~tf.*scatter_nd*/*bad_indices_policy='IGNORE'",
        "tf.linalg.tensor_diag_part/f32()",
        "tf.linalg.expm/f32(0,2,2)",
        "tf.linalg.expm/nan",
        "tf.nn.softmax_cross_entropy_with_logits/f32(2,1),f32(2,3)",
    ],
    "Forward mode follows the custom gradient": ["tf.custom_gradient/custom_in_forward_mode"],
    "A tangent that is known to be zero": ["tf.autodiff.ForwardAccumulator/forward_of_many_operations"],
    "A string has no derivative": ["tf.GradientTape/integers_and_strings_give_none"],
    "Output gradients must fit": ["tf.GradientTape/output_gradients_of_a_wrong_shape"],
    "A tangent must fit its primal": ["tf.autodiff.ForwardAccumulator/forward_refuses"],
    "Denormal numbers are kept": [
        "~tf.math.*/denormal-*", "~tf.nn.*/denormal-*", "tf.math.erfcinv/edge-f*", "tf.nn.silu/edge-bf16",
        "tf.nn.silu/edge-f32",
    ],
    "The sign of a zero": [
        "tf.GradientTape/tf.minimum(x, -x) x=f32(4)",
        "~tf.math.reduce_min/edge-bf16",
        "~tf.nn.relu*/kinks",
        "compiled:tf.math.reduce_max/zeros",
        "compiled:tf.math.reduce_min/edge-f32",
        "compiled:tf.math.reduce_min/edge-f64",
        "tf.Tensor/(str(tf.constant(-0.0)), repr(tf.constant(-0.0)))",
    ],
    "A complex zero to the power zero is one": [
        "tf.math.pow/edge-c*",
        "tf.math.pow/kinks-complex*",
        "tf.math.pow/zeroth-complex*",
    ],
    "Nearer to the exact value": [
        "tf.math.erf/edge-f64",
        "~tf.math.igamma/*",
        "~tf.math.igammac/*",
        "~tf.math.betainc/*",
        "~tf.math.cumulative_logsumexp/*",
        "tf.saturate_cast/int64-int64",
        "tf.saturate_cast/int64-uint64",
    ],
    "Rounded differently": [
        "tf.GradientTape/jacobian_of_several",
        "tf.linalg.expm/float64",
        "tf.linalg.expm/two",
        "~tf.nn.gelu/*",
        "tf.nn.batch_normalization/bf16(2,3),bf16(3),bf16(3),bf16(3),bf16(3),0.001",
        "tf.autodiff.ForwardAccumulator/forward",
    ],
    "The order of NaNs": ["~tf.GradientTape/tf.sort(x) x=f32(4)#2"],
    "Errors that say what is wrong": [
        "tf.GradientTape/jacobian_refuses",
        "tf.GradientTape/batch_jacobian_refuses",
        "~tf.Tensor/x | *",
        "tf.Variable/x | None x=varf32(2)",
        "tf.nest.*/*-{'a': 1, 2: 3}",
        "eager:tf.debugging.assert_none_equal/'a','a'",
        "tf.nn.softmax_cross_entropy_with_logits/f32(2,3,2),f32(2,3,2),-3",
        "eager:tf.nn.softmax_cross_entropy_with_logits/f32(2,3,2),f32(2,3,2),3",
        "eager:tf.nn.softmax_cross_entropy_with_logits/f32(2,3,2),f32(2,3,2),-4",
        "tf.vectorized_map/vectorized_map_of_nothing_and_of_mismatch",
        "tf.random.normal/facts-tf.random.normal([2], seed='a')",
        "tf.random.set_seed/facts-tf.random.set_seed('a')",
        "tf.random.categorical/facts-tf.random.categorical([[0, 1]], 2)",
        "~tf.random.experimental.index_shuffle/*",
    ],
    "What TensorFlow takes by accident": [
        "tf.Variable/tf.Variable(1., nonsense=2)",
        "tf.dtypes.as_dtype/tf.as_dtype('int32_ref')",
    ],
    "Numbers that decide a shape, in a function": [
        "traced:tf.broadcast_dynamic_shape/i64(2),i64(1)",
        "traced:tf.linalg.tensordot/f32(2,3),f32(3,2),i32(2,1)",
    ],
    "Sizes that a trace does not know": [
        "~unknown:tf.reshape/f32(2,3),i64(2)",
        "unknown:tf.split/f32(4,2),i32(2),0",
        "unknown:tf.broadcast_to/f32(2,3),i*(3)",
        "unknown:tf.scatter_nd/i64(1,1),f32(1),i64(1)",
        "~unknown:tf.math.reduce_*/tensor-axis",
        *[f"unknown:tf.squeeze/{dtype}(2,3)" for dtype in ("f16", "bf16", "f32", "f64", "c64", "c128")],
        "unknown:tf.squeeze/f32(1,2,1),None",
        "unknown:tf.squeeze/f32(1,2,1),[]",
        "unknown:tf.squeeze/f32(1,1)",
        "unknown:tf.gather_nd/f32(3,2),i64(1,2)",
        "unknown:tf.gather_nd/f32(2,3,2),i32(2,1),batch_dims=1",
        "~unknown:tf.debugging.assert_shapes/*",
        "unknown:tf.tensor_scatter_nd_*/f32(3,2),[[0,0,0]],f32(1)",
        "~unknown:tf.linalg.band_part/f32(3),0,0",
        "unknown:tf.linalg.tridiagonal_solve/f64(3,4),f32(3,1)",
        "unknown:tf.linalg.lstsq/f64*,fast=False",
        "~unknown:tf.math.imag/*str*",
    ],
    "tf.print of an empty matrix": ["tf.print/print_formats"],
    "A class says where it is from": [
        "tf.Module/module_names",
        "tf.VariableSynchronization/enumerations",
        "tf.Variable/tf.Variable(1., synchronization=*aggregation",
    ],
    "The buffer protocol": ["tf.Tensor/dlpack_and_buffers"],
    "A variable's handle is the variable": ["tf.Variable/x.handle.dtype x=*"],
}
DIFFERENCES = {pattern: heading for heading, patterns in _BY_HEADING.items() for pattern in patterns}
