"""The work queue of a delivery."""

from __future__ import annotations

from deliveries import FakeLoader, lane, operation

from headrace.sync.delivery.lanes import Lanes
from headrace.sync.operations.operation import Lane


def opened(*given: Lane, most: int = 3, slice: int = 2, of_each: int = 400) -> Lanes:
    return Lanes(FakeLoader(*given, slice=slice, of_each=of_each), most)  # type: ignore[arg-type]


def taken(lanes: Lanes) -> int | None:
    found = lanes.take()
    return None if found is None else found.queue[0].number


def numbers(lanes: Lanes) -> list[int]:
    """Everything in the order in which it goes, one after the other."""
    found = []
    while True:
        lanes.refill()
        if (one := lanes.take()) is None:
            return found
        found.append(one.queue[0].number)
        lanes.advance(one)


def of(customer: str, *operation_numbers: int, phase: int = 1) -> Lane:
    return lane(*(operation(n, customer=customer) for n in operation_numbers), phase=phase)


def test_an_empty_plan_is_complete_at_once() -> None:
    lanes = opened()
    assert not lanes and lanes.is_low and not lanes.waits and not lanes.open_complete
    lanes.refill()
    assert lanes.open_complete and lanes.stocked
    assert lanes.take() is None


def test_lanes_go_in_the_order_of_the_plan() -> None:
    assert numbers(opened(of("A", 1, 2), of("B", 3), of("C", 4), of("D", 5))) == [1, 2, 3, 4, 5]


def test_of_a_customer_one_lane_is_ready_at_a_time() -> None:
    lanes = opened(of("A", 1), of("A", 2), of("B", 3))
    lanes.refill()
    first = lanes.take()
    assert first is not None and first.queue[0].number == 1
    assert taken(lanes) == 3
    assert taken(lanes) is None
    lanes.advance(first)
    assert taken(lanes) == 2


def test_a_taken_lane_is_put_back_with_the_same_operation() -> None:
    lanes = opened(of("A", 1, 2), of("B", 3))
    lanes.refill()
    first = lanes.take()
    assert first is not None
    lanes.put_back(first)
    assert taken(lanes) == 1


def test_a_lane_after_its_pause_precedes_the_ready_ones() -> None:
    lanes = opened(of("A", 1), of("B", 2), of("C", 3))
    lanes.refill()
    for _ in range(2):
        paused = lanes.take()
    assert paused is not None
    first = lanes.take()
    assert first is not None and first.queue[0].number == 3
    lanes.put_back(first)
    assert lanes and not lanes.is_low
    lanes.try_again(paused)
    assert taken(lanes) == 2
    assert taken(lanes) == 3
    assert not lanes


def test_only_a_retry_leaves_the_queue_low() -> None:
    lanes = opened(of("A", 1))
    lanes.refill()
    paused = lanes.take()
    assert paused is not None
    lanes.try_again(paused)
    assert lanes and lanes.is_low


def test_a_lane_waits_for_the_operation_of_another_one() -> None:
    first = lane(operation(1, customer="A", waits_for=(2, 3)))
    lanes = opened(first, of("B", 2), of("C", 3))
    lanes.refill()
    second, third = lanes.take(), lanes.take()
    assert second is not None and second.queue[0].number == 2
    assert third is not None and third.queue[0].number == 3
    assert lanes.waits and not lanes
    lanes.advance(second)
    assert lanes and taken(lanes) is None
    assert lanes.waits
    lanes.advance(third)
    assert not lanes.waits
    assert taken(lanes) == 1


def test_what_landed_before_is_not_waited_for() -> None:
    assert numbers(opened(of("A", 1), lane(operation(2, customer="B", waits_for=(1,))))) == [1, 2]


def test_a_release_settles_nothing() -> None:
    lanes = opened(lane(operation(1, customer="A", waits_for=(2,))), of("B", 2, 3))
    lanes.refill()
    second = lanes.take()
    assert second is not None
    lanes.advance(second, settled=False)
    assert taken(lanes) == 3
    assert lanes.waits


def test_lanes_that_nothing_will_settle_become_ready() -> None:
    waiting = [lane(operation(n, customer=f"C{n}", waits_for=(9,))) for n in (1, 2)]
    other = lane(operation(3, customer="C3", waits_for=(8,)))
    lanes = opened(*waiting, other)
    lanes.refill()
    assert taken(lanes) is None
    lanes.requeue_waiting()
    assert not lanes.waits
    assert [taken(lanes) for _ in range(4)] == [1, 2, 3, None]


def test_the_settled_past_starts_when_every_open_item_is_complete() -> None:
    lanes = opened(of("A", 1), of("B", 2), of("C", 3, phase=2), of("D", 4, phase=2), slice=3)
    lanes.refill()
    one, two = lanes.take(), lanes.take()
    assert one is not None and two is not None
    lanes.refill()
    assert lanes.stocked and not lanes
    lanes.advance(one)
    lanes.refill()
    assert not lanes and not lanes.open_complete
    lanes.advance(two)
    assert not lanes.stocked
    lanes.refill()
    assert lanes.open_complete
    assert [taken(lanes) for _ in range(3)] == [3, 4, None]


def test_the_settled_past_is_read_before_it_may_go() -> None:
    loader = FakeLoader(of("A", 1), of("B", 2, phase=2), slice=1)
    lanes = Lanes(loader, 3)  # type: ignore[arg-type]
    lanes.refill()
    assert loader.loaded == [[1], [2]]
    lanes.refill()
    assert loader.loaded == [[1], [2]]


def test_changes_and_open_items_are_both_complete_before_the_settled_past() -> None:
    for phase in (0, 1):
        lanes = opened(of("A", 1, phase=phase), of("B", 2, phase=2))
        lanes.refill()
        first = lanes.take()
        assert first is not None
        lanes.refill()
        assert not lanes
        lanes.advance(first)
        lanes.refill()
        assert taken(lanes) == 2


def test_changes_and_open_items_go_side_by_side() -> None:
    lanes = opened(of("A", 1, phase=0), of("B", 2, phase=1))
    lanes.refill()
    assert [taken(lanes), taken(lanes)] == [1, 2]


def test_open_items_are_complete_with_the_last_of_them_when_no_past_follows() -> None:
    lanes = opened(of("A", 1))
    lanes.refill()
    first = lanes.take()
    assert first is not None
    lanes.refill()
    assert not lanes.open_complete
    lanes.advance(first)
    lanes.refill()
    assert lanes.open_complete


def test_no_more_is_loaded_than_twice_what_may_be_in_flight() -> None:
    loader = FakeLoader(*(of(f"C{n}", n) for n in range(20)), slice=1)
    lanes = Lanes(loader, 3)  # type: ignore[arg-type]
    assert not lanes.stocked
    lanes.refill()
    assert loader.loaded == [[n] for n in range(6)]
    assert lanes.stocked
    lanes.take()
    assert not lanes.stocked
    lanes.refill()
    assert loader.loaded == [[n] for n in range(7)]


def test_a_long_lane_is_loaded_piece_by_piece() -> None:
    loader = FakeLoader(of("A", *range(1, 8)), of("B", 8), of_each=3)
    lanes = Lanes(loader, 3)  # type: ignore[arg-type]
    assert numbers(lanes) == list(range(1, 9))
    assert loader.loaded == [[1, 8], [1], [1]]


def test_operations_that_go_again_precede_everything() -> None:
    lanes = opened(of("A", 5), of("B", 6))
    lanes.refill()
    lanes.add_operations([operation(9, customer="C"), operation(7, customer="D")])
    assert [taken(lanes), taken(lanes)] == [9, 7]
    added = [one for line in lanes._lanes_of.values() for one in line if one.phase == 0]
    assert all(one.queue and not one.needs_operations for one in added)


def test_operations_that_go_again_hold_back_the_settled_past() -> None:
    lanes = opened(of("B", 6, phase=2))
    lanes.add_operations([operation(9, customer="C")])
    again = lanes.take()
    assert again is not None and again.queue[0].number == 9
    lanes.refill()
    assert taken(lanes) is None
    lanes.advance(again)
    assert again.exhausted
    lanes.refill()
    assert taken(lanes) == 6


def test_more_is_loaded_ahead_while_there_is_time() -> None:
    loader = FakeLoader(*(of(f"C{n}", n) for n in range(20)), slice=1)
    lanes = Lanes(loader, 3)  # type: ignore[arg-type]
    lanes.refill()
    assert lanes.is_stocked_for(6) and not lanes.is_stocked_for(8)
    lanes.load_ahead()
    lanes.load_ahead()
    assert lanes.is_stocked_for(8) and loader.loaded == [[n] for n in range(8)]
    while not lanes.is_stocked_for(1000):
        lanes.load_ahead()
    assert loader.loaded == [[n] for n in range(20)]
    assert numbers(lanes) == list(range(20))


def test_the_settled_past_is_not_loaded_ahead_into_the_queue() -> None:
    lanes = opened(*(of(f"C{n}", n) for n in range(4)), of("Z", 9, phase=2), most=1)
    lanes.refill()
    while not lanes.is_stocked_for(100):
        lanes.load_ahead()
    assert not lanes.open_complete
    assert numbers(lanes) == [0, 1, 2, 3, 9]
