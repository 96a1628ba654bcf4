"""`tf.experimental.dtensor`: tensors across devices. Keras imports it; there is one device, and nothing in here."""
