"""XOR with a repeated key in C, by the libcrypto that Python itself uses.

Neither Python nor its standard library has an XOR of bytes. OpenSSL has: a block cipher in output feedback mode is
an XOR with a stream of 16 byte blocks, each the last one encrypted, and `CRYPTO_ofb128_encrypt` takes any function
for the cipher. With `memmove` of no bytes for that, every block of the stream is what it began with: the key, four
times. 64 kB take 11 µs, 80 µs in the fastest way without; decision 0017 says more.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

__all__ = ["load"]

_SAMPLE = bytes(range(256)) * 3 + b"end"
_SAMPLE_KEY = b"\x01\x80\xff\x37"


@functools.cache
def load() -> Callable[[bytes, bytes], bytes] | None:
    """A function of a key of 4 bytes and of data, two at least; None where there is no such libcrypto."""
    try:
        # A look-up by the handle of a module looks into the libraries it is linked with as well. One that
        # Python was linked with statically is not found.
        import _hashlib

        encrypt = ctypes.CDLL(_hashlib.__file__).CRYPTO_ofb128_encrypt
        # void block(const unsigned char in[16], unsigned char out[16], const void *key) is called with the same
        # block for in and out, and with the key given below: memmove(block, block, 0).
        keep = ctypes.cast(ctypes.CDLL(None).memmove, ctypes.c_void_p)
    except (AttributeError, ImportError, OSError, TypeError):
        return None
    # in, out, length, key, ivec[16], num, block
    encrypt.argtypes = (
        *(ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p),
        *(ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), ctypes.c_void_p),
    )
    encrypt.restype = None

    def xor(key: bytes, data: bytes) -> bytes:
        length = len(data)
        # Written to before anybody else has it. (bytes(0) and bytes(1) would be shared with others.)
        result = bytes(length)
        encrypt(data, result, length, None, key * 4, ctypes.byref(ctypes.c_int()), keep)
        return result

    expected = bytes(byte ^ _SAMPLE_KEY[at % 4] for at, byte in enumerate(_SAMPLE))
    return xor if xor(_SAMPLE_KEY, _SAMPLE) == expected else None
