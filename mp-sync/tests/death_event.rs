//! Whoever dies waiting for an event, or setting it: the others go on.

mod common {
    pub(crate) mod death;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use common::death::{a_moment, deaths, kill};
use common::random::Random;
use common::watchdog::watchdog;
use mp_process::spawn;
use mp_sync::Event;

fn wait(event: Event, begun: Event) {
    begun.set();
    event.wait();
}

fn wait_again_and_again(event: Event, begun: Event) {
    loop {
        wait(event.clone(), begun.clone());
    }
}

fn set_and_clear(event: Event, begun: Event) {
    begun.set();
    loop {
        event.set();
        event.clear();
    }
}

#[mp_process::test]
fn waiters_killed_at_random_moments_stop_nobody() {
    let mut random = Random::new(21);
    for _ in 0..deaths() {
        let _watchdog = watchdog();
        let [event, first, second] = [(); 3].map(|()| Event::new().unwrap());
        let victim = spawn(wait_again_and_again, (event.clone(), first.clone())).unwrap();
        let survivor = spawn(wait, (event.clone(), second.clone())).unwrap();
        first.wait();
        second.wait();
        a_moment(&mut random);
        if random.below(2) == 0 {
            kill(victim);
            event.set();
        } else {
            event.set();
            kill(victim);
        }
        survivor.join().unwrap();
    }
}

#[mp_process::test]
fn setters_killed_at_random_moments_stop_nobody() {
    let mut random = Random::new(22);
    for _ in 0..deaths() {
        let _watchdog = watchdog();
        let [event, first, second] = [(); 3].map(|()| Event::new().unwrap());
        let victim = spawn(set_and_clear, (event.clone(), first.clone())).unwrap();
        first.wait();
        let survivor = spawn(wait, (event.clone(), second.clone())).unwrap();
        a_moment(&mut random);
        kill(victim);
        event.set();
        survivor.join().unwrap();
        assert!(event.is_set());
    }
}
