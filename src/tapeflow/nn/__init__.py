"""`tf.nn`: neural networks."""

from tapeflow.nn import experimental
from tapeflow.ops.activations import (
    crelu,
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    relu6,
    selu,
    silu,
    softmax,
    softplus,
    softsign,
    swish,
)
from tapeflow.ops.dropout import dropout
from tapeflow.ops.elementwise import sigmoid, tanh
from tapeflow.ops.embedding import embedding_lookup
from tapeflow.ops.losses import (
    compute_average_loss,
    l2_loss,
    log_poisson_loss,
    scale_regularization_loss,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)
from tapeflow.ops.normalization import batch_normalization, bias_add, moments, weighted_moments
from tapeflow.ops.reduce import l2_normalize, zero_fraction
from tapeflow.ops.sorting import in_top_k, top_k
