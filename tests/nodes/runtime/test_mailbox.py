# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import threading
import time

from depth_refiner_ros.nodes.runtime.mailbox import Mailbox


def test_the_newest_wins_and_the_oldest_is_handed_back():
    box = Mailbox()
    assert box.put('a') is None
    assert box.put('b') == 'a'
    assert box.take(0) == 'b'
    assert box.take(0) is None


def test_a_longer_queue_keeps_the_order():
    box = Mailbox(3)
    assert [box.put(number) for number in range(5)] == [None, None, None, 0, 1]
    assert len(box) == 3
    assert [box.take(0) for _ in range(4)] == [2, 3, 4, None]


def test_take_wakes_up_for_an_item():
    box = Mailbox()
    timer = threading.Timer(0.05, box.put, ['late'])
    timer.start()
    assert box.take(20.0) == 'late'
    timer.join()


def test_take_gives_up_after_its_timeout():
    started_s = time.monotonic()
    assert Mailbox().take(0.05) is None
    assert time.monotonic() - started_s >= 0.05


def test_closing_wakes_the_taker_and_gives_what_was_left():
    box = Mailbox(2)
    taken = []
    taker = threading.Thread(target=lambda: taken.append(box.take(60.0)))
    taker.start()
    assert box.close() == []
    taker.join(10.0)
    assert taken == [None]
    assert box.closed

    box = Mailbox(2)
    box.put(1)
    box.put(2)
    assert box.close() == [1, 2]
    assert box.put(3) == 3
    assert box.take(0) is None


def test_nothing_is_lost_between_threads():
    box = Mailbox(4)
    evicted, taken = [], []

    def produce():
        for number in range(2000):
            old = box.put(number)
            if old is not None:
                evicted.append(old)

    def consume():
        while (item := box.take(0.5)) is not None:
            taken.append(item)

    threads = [threading.Thread(target=produce), threading.Thread(target=consume)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(evicted + taken) == list(range(2000))
    assert taken == sorted(taken)
