"""`tf.nn`: neural networks."""

from tapeflow.core.namespace import namespace

__getattr__, __dir__, __all__ = namespace(
    __name__,
    {
        "ops.activations": "crelu elu gelu leaky_relu log_softmax relu relu6 selu silu softmax softplus softsign "
        "swish",
        "ops.dropout": "dropout",
        "ops.elementwise": "sigmoid tanh",
        "ops.embedding": "embedding_lookup",
        "ops.losses": "compute_average_loss l2_loss log_poisson_loss scale_regularization_loss "
        "sigmoid_cross_entropy_with_logits softmax_cross_entropy_with_logits sparse_softmax_cross_entropy_with_logits "
        "weighted_cross_entropy_with_logits",
        "ops.normalization": "batch_normalization bias_add moments weighted_moments",
        "ops.reduce": "l2_normalize zero_fraction",
        "ops.sorting": "in_top_k top_k",
    },
    ("experimental",),
)
