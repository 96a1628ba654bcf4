"""float32 logarithm, sine and cosine that round as the GNU C library does.

TensorFlow's normal numbers go through the C library's `logf` and `sincosf`, which are not always correctly
rounded, and not always what NumPy returns. A truncated normal number is redrawn when it falls outside a
bound, so a last bit that differs could change a weight entirely: these functions therefore follow the
library's own method.

Source of the method and of the figures: ARM's optimized routines (`logf`, `sincosf`), which glibc has used
since 2.27; they are evaluated in float64 there as here. Fused multiply-adds, which the library uses where the
processor has them, change the float64 intermediates in their last bit: about one result in 10 million then
rounds the other way.
"""

import numpy as np

_LN2 = float.fromhex("0x1.62e42fefa39efp-1")
# 1/c and log(c) at the middle c of sixteen intervals of [0.7, 1.4), and the polynomial of log(1 + r).
_LOG_TABLE = np.array(
    [
        [float.fromhex(x) for x in line.split()]
        for line in """
        0x1.661ec79f8f3bep+0 -0x1.57bf7808caadep-2
        0x1.571ed4aaf883dp+0 -0x1.2bef0a7c06ddbp-2
        0x1.49539f0f010bp+0 -0x1.01eae7f513a67p-2
        0x1.3c995b0b80385p+0 -0x1.b31d8a68224e9p-3
        0x1.30d190c8864a5p+0 -0x1.6574f0ac07758p-3
        0x1.25e227b0b8eap+0 -0x1.1aa2bc79c81p-3
        0x1.1bb4a4a1a343fp+0 -0x1.a4e76ce8c0e5ep-4
        0x1.12358f08ae5bap+0 -0x1.1973c5a611cccp-4
        0x1.0953f419900a7p+0 -0x1.252f438e10c1ep-5
        0x1p+0 0x0p+0
        0x1.e608cfd9a47acp-1 0x1.aa5aa5df25984p-5
        0x1.ca4b31f026aap-1 0x1.c5e53aa362eb4p-4
        0x1.b2036576afce6p-1 0x1.526e57720db08p-3
        0x1.9c2d163a1aa2dp-1 0x1.bc2860d22477p-3
        0x1.886e6037841edp-1 0x1.1058bc8a07ee1p-2
        0x1.767dcf5534862p-1 0x1.4043057b6ee09p-2
        """.strip().splitlines()
    ]
)
_LOG_POLY = [
    float.fromhex(x) for x in "-0x1.00ea348b88334p-2 0x1.5575b0be00b6ap-2 -0x1.ffffef20a4123p-2".split()
]

_TWO_OVER_PI = float.fromhex("0x1.45f306dc9c883p-1")
_HALF_PI = float.fromhex("0x1.921fb54442d18p+0")
_SIN_POLY = [
    float.fromhex(x) for x in "-0x1.555545995a603p-3 0x1.1107605230bc4p-7 -0x1.994eb3774cf24p-13".split()
]
_COS_POLY = [
    float.fromhex(x)
    for x in "-0x1.ffffffd0c621cp-2 0x1.55553e1068f19p-5 -0x1.6c087e89a359dp-10 0x1.99343027bf8c3p-16".split()
]


def log(x: np.ndarray) -> np.ndarray:
    """Natural logarithm of float32 `x`, each a normal number other than 1, as float32."""
    bits = x.view(np.int32)
    shifted = bits - np.int32(0x3F330000)
    exponent = shifted >> 23
    row = (shifted >> 19) & 15
    z = (bits - (exponent << 23)).view(np.float32)
    inverse, base = _LOG_TABLE.T
    r = z * inverse[row]
    r -= 1
    y = _LOG_POLY[1] * r
    y += _LOG_POLY[2]
    r2 = r * r
    y += _LOG_POLY[0] * r2
    y *= r2
    base = base[row]
    base += exponent * _LN2
    r += base
    y += r
    return y.astype(np.float32)


def sincos(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine of float32 `x`, each in [0, 2 pi], as float32."""
    x = x.astype(np.float64)
    turns = (x * _TWO_OVER_PI + 0.5).astype(np.int32)
    odd = turns & 1
    # An even number of quarter turns, then the odd one: three of them have more bits than a float64 holds.
    x -= (turns - odd) * _HALF_PI
    x -= odd * _HALF_PI
    x2 = x * x
    x4 = x2 * x2

    s1, s2, s3 = _SIN_POLY
    x3 = x2 * x
    sine = s3 * x2
    sine += s2
    sine *= x3 * x2
    x3 *= s1
    x3 += x
    sine += x3

    c1, c2, c3, c4 = _COS_POLY
    cosine = c4 * x2
    cosine += c3
    cosine *= x4 * x2
    x2 *= c1
    x2 += 1
    x4 *= c2
    x2 += x4
    cosine += x2

    sine, cosine = sine.astype(np.float32), cosine.astype(np.float32)
    swap = odd.astype(bool)
    sine, cosine = np.where(swap, cosine, sine), np.where(swap, sine, cosine)
    # The sine is negative in quadrants 2 and 3, the cosine in 1 and 2: flip the sign bit there.
    sine.view(np.int32)[...] ^= (turns & 2) << 30
    cosine.view(np.int32)[...] ^= (turns + 1 & 2) << 30
    return sine, cosine
