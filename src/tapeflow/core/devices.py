"""The devices of this machine and the settings of the runtime, as `tf.config` knows them: one CPU."""

from collections import namedtuple

PhysicalDevice = namedtuple("PhysicalDevice", ["name", "device_type"])
LogicalDevice = namedtuple("LogicalDevice", ["name", "device_type"])
PhysicalDevice.__doc__ = "A device of the machine."
LogicalDevice.__doc__ = "A device that programs may name."

_PHYSICAL = PhysicalDevice("/physical_device:CPU:0", "CPU")
_LOGICAL = LogicalDevice("/device:CPU:0", "CPU")

_settings = {
    "soft_placement": True, "log_placement": False, "inter_op": 0, "intra_op": 0, "jit": "", "tf32": True,
    "visible": [_PHYSICAL], "determinism": False, "logical": None,
}  # fmt: skip


class LogicalDeviceConfiguration(
    namedtuple("LogicalDeviceConfiguration", "memory_limit experimental_priority experimental_device_ordinal")
):
    """What a logical device is to be like.

    >>> import tapeflow as tf
    >>> tf.config.LogicalDeviceConfiguration().memory_limit
    """

    __slots__ = ()

    def __new__(cls, memory_limit=None, experimental_priority=None, experimental_device_ordinal=None):
        return super().__new__(cls, memory_limit, experimental_priority, experimental_device_ordinal)


def _of_type(devices, device_type):
    return [device for device in devices if device_type in (None, device.device_type)]


def list_physical_devices(device_type=None):
    """The devices of the machine, of one type ("CPU", "GPU") or of all.

    >>> import tapeflow as tf
    >>> tf.config.list_physical_devices()
    [PhysicalDevice(name='/physical_device:CPU:0', device_type='CPU')]
    >>> tf.config.list_physical_devices("GPU")
    []
    """
    return _of_type([_PHYSICAL], device_type)


def list_logical_devices(device_type=None):
    """The devices that programs may name, of one type or of all.

    >>> import tapeflow as tf
    >>> tf.config.list_logical_devices("CPU")
    [LogicalDevice(name='/device:CPU:0', device_type='CPU')]
    """
    count = len(_settings["logical"] or [_LOGICAL]) if _settings["visible"] else 0
    return _of_type([LogicalDevice(f"/device:CPU:{i}", "CPU") for i in range(count)], device_type)


def set_logical_device_configuration(device, logical_devices):
    """Have a device of the machine go by several names, "CPU:0", "CPU:1", ...: all of them are the one CPU.

    Args:
      device: a `PhysicalDevice`.
      logical_devices: a list of `LogicalDeviceConfiguration`, one for each name.

    Raises ValueError for a device that does not exist, and for a limit on a CPU's memory.
    """
    if device != _PHYSICAL:
        raise ValueError(f"Unrecognized device: {device!r}")
    for configuration in logical_devices:
        if configuration.memory_limit is not None:
            raise ValueError("Setting memory limit on CPU virtual devices is currently not supported")
    _settings["logical"] = list(logical_devices)


def get_logical_device_configuration(device):
    """What `set_logical_device_configuration` was given for a device, or None. Raises ValueError for an unknown one."""
    if device != _PHYSICAL:
        raise ValueError(f"Unrecognized device: {device!r}")
    return _settings["logical"]


def get_visible_devices(device_type=None):
    """The devices of the machine that may be used, of one type or of all."""
    return _of_type(_settings["visible"], device_type)


def set_visible_devices(devices, device_type=None):
    """Choose which devices may be used. Raises ValueError for one that does not exist."""
    devices = list(devices) if isinstance(devices, (list, tuple)) and not hasattr(devices, "_fields") else [devices]
    for device in devices:
        if device != _PHYSICAL:
            raise ValueError(f"Unrecognized device: {device!r}")
        if device_type not in (None, device.device_type):
            raise ValueError(f"Unrecognized device: {device!r}")
    kept = [] if device_type is None else [d for d in _settings["visible"] if d.device_type != device_type]
    _settings["visible"] = kept + devices


def get_soft_device_placement():
    """Whether an operation may run elsewhere than it was told to."""
    return _settings["soft_placement"]


def set_soft_device_placement(enabled):
    """Choose whether an operation may run elsewhere than it was told to; here all run on the CPU."""
    _settings["soft_placement"] = bool(enabled)


def get_log_device_placement():
    """Whether the placement of operations is to be logged."""
    return _settings["log_placement"]


def set_log_device_placement(enabled):
    """Choose whether the placement of operations is to be logged: there is one place, and nothing to log."""
    _settings["log_placement"] = bool(enabled)


def get_inter_op_parallelism_threads():
    """The number of threads for operations beside each other that was set; 0 leaves it to the runtime."""
    return _settings["inter_op"]


def set_inter_op_parallelism_threads(num_threads):
    """Set the number of threads for operations beside each other. Eager operations run one after the other."""
    _settings["inter_op"] = int(num_threads)


def get_intra_op_parallelism_threads():
    """The number of threads within an operation that was set; 0 leaves it to the runtime."""
    return _settings["intra_op"]


def set_intra_op_parallelism_threads(num_threads):
    """Set the number of threads within an operation. NumPy's kernels follow their own libraries' settings."""
    _settings["intra_op"] = int(num_threads)


def get_jit():
    """What `set_jit` was given."""
    return _settings["jit"]


def set_jit(enabled):
    """Ask for compilation: kept, and without effect on eager operations."""
    _settings["jit"] = enabled if isinstance(enabled, str) else "autoclustering" if enabled else ""


def enable_op_determinism():
    """Have every operation give the same result each time: they always do."""
    _settings["determinism"] = True


def disable_op_determinism():
    """Take `enable_op_determinism` back."""
    _settings["determinism"] = False


def is_op_determinism_enabled():
    """Whether `enable_op_determinism` was called."""
    return _settings["determinism"]


def tensor_float_32_execution_enabled():
    """Whether matrix products may round their operands to TensorFloat-32, on hardware that has it."""
    return _settings["tf32"]


def enable_tensor_float_32_execution(enabled):
    """Choose whether matrix products may round their operands to TensorFloat-32: a CPU does not."""
    _settings["tf32"] = bool(enabled)


def get_memory_growth(device):
    """Whether a GPU's memory grows as it is needed. Raises KeyError for a device that is no GPU."""
    raise KeyError(device)


def set_memory_growth(device, enable):
    """Choose whether a GPU's memory grows as it is needed. Raises ValueError for a device that is no GPU."""
    raise ValueError("Cannot set memory growth on non-GPU and non-Pluggable devices")


def get_memory_info(device):
    """The bytes in use on an accelerator; nothing is counted for a CPU."""
    return {"current": 0, "peak": 0}


def get_device_details(device):
    """What is known of a device: nothing beyond its name."""
    return {}


# tf.test's questions about the installation.


def is_gpu_available(cuda_only=False, min_cuda_compute_capability=None):
    """Whether there is a GPU to use: False."""
    return False


def gpu_device_name():
    """The name of a GPU, "" if there is none."""
    return ""


def is_built_with_cuda():
    """Whether the package can use CUDA: False."""
    return False


def is_built_with_rocm():
    """Whether the package can use ROCm: False."""
    return False


def is_built_with_gpu_support():
    """Whether the package can use any GPU: False."""
    return False


def is_built_with_xla():
    """Whether the package has XLA: False."""
    return False
