"""Every program that is meant to say something else, with the reason. One that does not any more fails the test."""

from __future__ import annotations

__all__ = ["DIFFERENCES"]

DIFFERENCES = {
    "waiting.wait_iterator_of_coroutines": "WaitIterator takes whatever can be yielded, coroutines included",
    "waiting.with_timeout_of_none": "None can be waited for with a time limit, as it can be yielded",
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
    "streaming.the_close_callback_while_something_is_buffered": (
        "the stream counts as closed when what had come before the end has been read"
    ),
    "reading.a_pattern_that_is_none": "a read that can't be begun leaves the stream as it was",
    "reading.into_a_large_buffer": "the limit is that of the stream's buffer, not of the caller's: nothing is logged",
    "reading.what_is_wrong_with_a_stream_that_is_fine": "None, as the documents say, and not an error of success",
    "reading.a_read_that_was_cancelled": "what a cancelled read would have got is the next one's",
    "writing.a_write_s_future_that_is_cancelled": "nobody waits for it, and nothing is logged",
    "writing.connecting_to_nobody": (
        "a read that waits for the connection fails with it; there the refusal may be raised where reading begins"
    ),
    "writing.a_server_whose_handler_fails": "the connection is closed; there it is left open until it is collected",
    "ending.a_read_after_one_that_failed": "a read that fails leaves what was received to the next one",
    "encrypting.the_stream_that_was_before": "it is closed, as its socket is another stream's",
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
