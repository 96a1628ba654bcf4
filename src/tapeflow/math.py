"""`tf.math`: elementwise and special functions, comparisons, reductions, segments, order and counting."""

from tapeflow.core.namespace import namespace

__getattr__, __dir__, __all__ = namespace(
    __name__,
    {
        "ops.activations": "log_sigmoid log_softmax softmax softplus softsign",
        "ops.arithmetic": "add divide divide_no_nan maximum minimum multiply multiply_no_nan negative polyval "
        "reciprocal reciprocal_no_nan scalar_mul square squared_difference subtract truediv",
        "ops.compare": "equal greater greater_equal is_finite is_inf is_nan is_non_decreasing is_strictly_increasing "
        "less less_equal logical_and logical_not logical_or logical_xor not_equal",
        "ops.complex_parts": "abs angle conj imag real sign",
        "ops.cumulative": "cumprod cumsum cumulative_logsumexp",
        "ops.elementwise": "acos acosh asin asinh atan atan2 atanh cos cosh exp expm1 log log1p nextafter pow rsqrt "
        "sigmoid sin sinh sqrt tan tanh xdivy xlog1py xlogy",
        "ops.reduce": "accumulate_n add_n argmax argmin count_nonzero l2_normalize reduce_all reduce_any "
        "reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_std reduce_sum "
        "reduce_variance zero_fraction",
        "ops.rounding": "ceil floor floordiv floormod mod rint round",
        "ops.segments": "segment_max segment_mean segment_min segment_prod segment_sum unsorted_segment_max "
        "unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n "
        "unsorted_segment_sum",
        "ops.sorting": "bincount confusion_matrix in_top_k invert_permutation top_k",
        "ops.special": "bessel_i0 bessel_i0e bessel_i1 bessel_i1e betainc digamma erf erfc erfcinv erfinv igamma "
        "igammac lbeta lgamma ndtri polygamma zeta",
    },
)
