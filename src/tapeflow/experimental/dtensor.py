"""`tf.experimental.dtensor`: tensors across devices. Keras imports the module; there is one device, and nothing in it."""
