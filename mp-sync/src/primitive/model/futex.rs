//! Doubles of the calls that sleep and wake.

use shuttle::current::try_get_current_task;
use shuttle::thread::{current, park, yield_now};

use super::doubles::{AtomicU32, Deadline};
use super::{step, world};

/// Sleeps until it is woken; as a slice, if anybody was killed or there is a deadline.
pub fn futex_wait(word: &AtomicU32, expected: u32, deadline: impl Into<Deadline>) {
    let deadline = deadline.into();
    let Some(me) = try_get_current_task() else { return };
    // Whether the word still has the value, and the sleep, are one step of the kernel's.
    if !step() || word.peek() != expected {
        return;
    }
    let place = address(word);
    let thread = current();
    world(|world| world.sleepers.push((place, me, thread)));
    let is_asleep = || world(|world| world.sleepers.iter().any(|(_, sleeper, _)| *sleeper == me));
    let is_slice = || deadline != Deadline::NEVER || world(|world| !world.dead.is_empty());
    let is_doomed = || world(|world| world.left.contains_key(&me));
    while is_asleep() && !is_slice() {
        if is_doomed() {
            yield_now();
            step();
        } else {
            park();
        }
    }
    yield_now();
    world(|world| world.sleepers.retain(|(_, sleeper, _)| *sleeper != me));
}

/// Wakes up to `count` sleepers; returns how many there were.
pub fn futex_wake(word: &AtomicU32, count: u32) -> usize {
    if !step() {
        return 0;
    }
    let place = address(word);
    let woken = world(|world| {
        let mut left = count;
        let mut wake = |&mut (at, ..): &mut (usize, _, _)| {
            let wakes = at == place && left > 0;
            left -= u32::from(wakes);
            wakes
        };
        world.sleepers.extract_if(.., &mut wake).collect::<Vec<_>>()
    });
    woken.iter().for_each(|(_, _, thread)| thread.unpark());
    woken.len()
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word).addr()
}
