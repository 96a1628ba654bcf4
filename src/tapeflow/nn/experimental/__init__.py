"""`tf.nn.experimental`: dropout with random numbers of one's own."""

from tapeflow.ops.dropout import general_dropout, stateless_dropout
