//! Events, conditions and barriers: who waits is woken or gives up, whoever dies.

use mp_sync::{BarrierError, LockError};

use super::{Game, nothing};
use crate::chaos::player::PATIENCE;
use crate::operation::ensure;

pub(super) const EVENT: Game = Game {
    name: "Event: set, cleared or waited for",
    weight: 16,
    play: |player| {
        let event = &player.ground.event;
        match player.random.below(4) {
            0 => event.set(),
            1 => event.clear(),
            _ => drop(event.wait_timeout(PATIENCE)),
        }
        true
    },
    judge: |ground, _| {
        ground.event.set();
        ground.event.wait();
        Ok(())
    },
    mail: None,
};

pub(super) const CONDITION: Game = Game {
    name: "Condition: waited for or notified",
    weight: 24,
    play: |player| {
        let (lock, condition) = (player.ground.lock.clone(), player.ground.condition.clone());
        let guard = lock.lock().or_else(LockError::recover).expect("it can be had");
        player.pause();
        match player.random.below(4) {
            0 => condition.notify_all(),
            1 => condition.notify_one(),
            _ => match condition.wait_timeout(guard, PATIENCE) {
                Ok(_) => {}
                Err(LockError::OwnerDied(died)) => drop(died.recover()),
                Err(error) => panic!("{error}"),
            },
        }
        true
    },
    judge: |ground, _| {
        ground.condition.notify_all();
        ground.lock.lock().or_else(LockError::recover).map(drop).map_err(|e| e.to_string())
    },
    mail: None,
};

pub(super) const BARRIER: Game = Game {
    name: "Barrier: waited at",
    weight: 16,
    play: |player| {
        let barrier = player.ground.barrier.clone();
        match barrier.wait_timeout(PATIENCE) {
            Ok(_) => true,
            Err(BarrierError::TimedOut | BarrierError::Broken(_)) => {
                barrier.reset().expect("it can be had");
                false
            }
            Err(error) => panic!("{error}"),
        }
    },
    judge: |ground, total| {
        ground.barrier.reset().map_err(|error| error.to_string())?;
        let waiting = ground.barrier.n_waiting();
        ensure!(waiting == 0, "{waiting} dead wait, after {total:?}");
        nothing(ground, total)
    },
    mail: None,
};
