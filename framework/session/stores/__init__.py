"""Where sessions are kept.

The store in Redis needs the `redis` package and is imported by its own name,
`framework.session.stores.redis.RedisStore`.
"""

from framework.session.stores.base import Store
from framework.session.stores.memory import MemoryStore
from framework.session.stores.sqlite import SQLiteStore

__all__ = ["MemoryStore", "SQLiteStore", "Store"]
