"""Every program that is meant to say something else, with the reason. One that does not any more fails the test."""

from __future__ import annotations

__all__ = ["DIFFERENCES"]

DIFFERENCES = {
    "waiting.wait_iterator_of_coroutines": "WaitIterator takes whatever can be yielded, coroutines included",
    "waiting.with_timeout_of_none": "None can be waited for with a time limit, as it can be yielded",
    "futures.submit_and_yield": "a generator that yields a future of a thread pool goes on when that is done",
    "locking.lock_misused": "every kind of lock says in the same words that it needs `async with`",
    "locking.a_wrong_timeout_leaves_nothing_behind": (
        "a timeout of the wrong kind is refused before anybody waits; there a waiter stays, that swallows the "
        "next release or notification"
    ),
    "locking.lock_cancelled_when_it_was_just_given": (
        "a waiter that is cancelled in the moment it gets the lock passes it on; there the lock is lost"
    ),
    "queueing.a_wrong_timeout_leaves_nothing_behind": (
        "a timeout of the wrong kind is refused before anybody waits; there a getter stays, that swallows an item"
    ),
    "timing.periodic_that_makes_no_sense": "a span of a timedelta has to be positive, like one in milliseconds",
    "timing.closing_twice": "closing a closed loop does nothing, as with asyncio",
    "streaming.the_reading_buffer_s_size": "the error that says so is not logged besides",
    "streaming.the_close_callback_while_something_is_buffered": (
        "the stream counts as closed when what had come before the end has been read"
    ),
    "utilities.import_object_that_is_missing": (
        "the ImportError is a ModuleNotFoundError, which names what was asked for"
    ),
    "utilities.arg_replacer_of_what_is_no_function": (
        "what has no signature can be given; all its arguments are taken for keywords"
    ),
    "utilities.a_level_that_does_not_exist": "a ValueError says which levels there are",
    "optional.more_ways_to_write_a_value": (
        "spans without blanks, times with T and seconds, and no and off for false are understood"
    ),
}
