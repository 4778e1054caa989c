//! Processes and pools within players: they go with them.

use mp_pool::Pool;
use mp_process::{Process, StartMethod};

use super::{Game, nothing};

fn add(a: u32, b: u32) -> u32 {
    a + b
}

fn start(method: StartMethod) -> bool {
    let child = Process::builder().start_method(method).spawn(add, (1, 2));
    assert_eq!(child.expect("it can be started").join().expect("nobody kills it"), 3);
    true
}

pub(super) const PROCESS: Game = Game {
    name: "Process: started and joined",
    weight: 1,
    play: |_| start(StartMethod::Spawn),
    judge: nothing,
    mail: None,
};

pub(super) const FORKED: Game = Game {
    name: "Process: forked from a server and joined",
    weight: 1,
    play: |_| start(StartMethod::ForkServer),
    judge: nothing,
    mail: None,
};

pub(super) const POOL: Game = Game {
    name: "Pool: started and used",
    weight: 1,
    play: |_| {
        let pool = Pool::new(1).expect("it can be started");
        let squares = pool.map(|item: u32| item * item, 0..5).expect("nobody kills a worker");
        assert_eq!(squares, [0, 1, 4, 9, 16]);
        pool.close();
        pool.join().expect("nobody kills a worker");
        true
    },
    judge: nothing,
    mail: None,
};
