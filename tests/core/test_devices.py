"""`tf.config`: one CPU that may go by several names. The answers are TensorFlow 2.21's."""

import pytest

import tapeflow as tf
from tapeflow.core import devices


@pytest.fixture
def cpu():
    yield tf.config.list_physical_devices("CPU")[0]
    devices._settings["logical"] = None


def test_several_logical_devices(cpu):
    assert tf.config.get_logical_device_configuration(cpu) is None
    two = [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()]
    assert tf.config.set_logical_device_configuration(cpu, two) is None
    assert tf.config.get_logical_device_configuration(cpu) == two
    assert repr(tf.config.list_logical_devices()) == (
        "[LogicalDevice(name='/device:CPU:0', device_type='CPU'), "
        "LogicalDevice(name='/device:CPU:1', device_type='CPU')]"
    )
    with tf.device("CPU:1"):
        assert tf.constant(1.0).numpy() == 1.0


def test_what_is_refused(cpu):
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    for call in (
        lambda: tf.config.set_logical_device_configuration(gpu, []),
        lambda: tf.config.get_logical_device_configuration(gpu),
    ):
        with pytest.raises(ValueError, match="Unrecognized device: PhysicalDevice"):
            call()
    with pytest.raises(ValueError, match="Setting memory limit on CPU virtual devices is currently not supported"):
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration(memory_limit=3)])


def test_the_experimental_names():
    configuration = tf.config.experimental.VirtualDeviceConfiguration(memory_limit=3)
    assert repr(configuration) == (
        "LogicalDeviceConfiguration(memory_limit=3, experimental_priority=None, experimental_device_ordinal=None)"
    )
    assert tf.config.experimental.set_virtual_device_configuration is tf.config.set_logical_device_configuration
    assert tf.config.experimental.get_virtual_device_configuration is tf.config.get_logical_device_configuration
