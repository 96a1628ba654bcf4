"""Warnings to the user, through TensorFlow's logger."""


def get_logger():
    """The logger that Tapeflow's warnings go to, named "tensorflow" as programs expect.

    >>> import tapeflow as tf
    >>> tf.get_logger().name
    'tensorflow'
    """
    import logging

    logger = logging.getLogger("tensorflow")
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
        logger.addHandler(handler)
    return logger


def warn(message, *arguments):
    """Log a warning."""
    get_logger().warning(message, *arguments)
