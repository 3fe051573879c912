"""XOR with a repeated key in C, by the libcrypto that Python itself uses.

Neither Python nor its standard library has an XOR of bytes. OpenSSL has: a block cipher in output feedback mode is
an XOR with a stream of 16 byte blocks, each the last one encrypted, and `CRYPTO_ofb128_encrypt` takes any function
for the cipher. With `labs` for that, which changes nothing, every block of the stream is what it began with: the key,
four times. 64 kB take 8 µs, 80 µs in the fastest way without; decision 0017 says more.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

__all__ = ["load"]

_SAMPLE = bytes(range(256)) * 3 + b"end"
_SAMPLE_KEY = b"\x01\x80\xff\x37"


@functools.cache
def load() -> Callable[[bytes, bytes, bytes], bytes] | None:
    """A function of a key of 4 bytes, data (two at least), and bytes as long that nobody else has: those it fills.

    These may be the data themselves. None where there is no such libcrypto.
    """
    try:
        # A look-up by the handle of a module looks into the libraries it is linked with as well. One that
        # Python was linked with statically is not found.
        import _hashlib

        encrypt = ctypes.CDLL(_hashlib.__file__).CRYPTO_ofb128_encrypt
        # It is called as void block(const unsigned char in[16], unsigned char out[16], const void *key). `labs`
        # takes the first for a number, and what it returns nobody looks at.
        keep = ctypes.cast(ctypes.CDLL(None).labs, ctypes.c_void_p)
    except (AttributeError, ImportError, OSError, TypeError):
        return None
    # in, out, length, key, ivec[16], num, block
    encrypt.argtypes = (
        *(ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p),
        *(ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), ctypes.c_void_p),
    )
    encrypt.restype = None

    def xor(key: bytes, data: bytes, result: bytes) -> bytes:
        encrypt(data, result, len(data), None, key * 4, ctypes.byref(ctypes.c_int()), keep)
        return result

    expected = bytes(byte ^ _SAMPLE_KEY[at % 4] for at, byte in enumerate(_SAMPLE))
    return xor if xor(_SAMPLE_KEY, _SAMPLE, bytes(len(_SAMPLE))) == expected else None
