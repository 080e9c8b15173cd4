"""Asks NVIDIA's driver library which CUDA version it supports and what the devices can do.

`cuDriverGetVersion`, `cuInit`, `cuDeviceGetCount` and `cuDeviceGetAttribute` are the calls, as the CUDA driver API
documents them. A machine without the library answers in a fraction of a millisecond.
"""

from __future__ import annotations

import sys

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_{MAJOR,MINOR}


def driver() -> tuple[str, str | None] | None:
    """(`12.4`, lowest compute capability or None); None without a driver."""
    import ctypes

    names = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1", "libcuda.so")
    for name in names:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        number = ctypes.c_int()
        try:
            if library.cuDriverGetVersion(ctypes.byref(number)) != 0 or number.value <= 0:
                return None
        except AttributeError:
            return None
        return f"{number.value // 1000}.{number.value % 1000 // 10}", _capability(library)
    return None


def _capability(library: object) -> str | None:
    """The lowest compute capability of all devices (`8.6`), None where there is no device."""
    import ctypes

    init, count_devices = getattr(library, "cuInit", None), getattr(library, "cuDeviceGetCount", None)
    attribute = getattr(library, "cuDeviceGetAttribute", None)
    count = ctypes.c_int()
    if init is None or count_devices is None or attribute is None:
        return None
    if init(0) != 0 or count_devices(ctypes.byref(count)) != 0:
        return None
    found: list[tuple[int, int]] = []
    for device in range(count.value):
        major, minor = ctypes.c_int(), ctypes.c_int()
        if attribute(ctypes.byref(major), _MAJOR, device) == 0 and attribute(ctypes.byref(minor), _MINOR, device) == 0:
            found.append((major.value, minor.value))
    return "{}.{}".format(*min(found)) if found else None
