//! Locks: what they protect is never torn, and who dies with one is told of.

use std::sync::atomic::Ordering::Relaxed;

use mp_shm::RawArray;
use mp_sync::LockError;

use super::{Game, nothing};
use crate::chaos::ground::PERMITS;
use crate::chaos::player::{PATIENCE, Player};
use crate::operation::ensure;

/// Two numbers under a lock, each one more with each play.
pub(super) const PAIR: Game = Game {
    name: "Value: both numbers added to",
    weight: 48,
    play: |player| {
        let pair = player.ground.pair.clone();
        let mut guard = match pair.lock() {
            Ok(guard) => {
                assert_eq!(guard[0], guard[1], "a lock that nobody died with");
                guard
            }
            // Who died had added to the first number at least, or to none.
            Err(LockError::OwnerDied(died)) => {
                let died = died.map(|mut guard| {
                    guard[1] = guard[0];
                    guard
                });
                died.recover()
            }
            Err(error) => panic!("{error}"),
        };
        guard[0] += 1;
        player.pause();
        guard[1] += 1;
        true
    },
    judge: |ground, total| {
        let guard = ground.pair.lock().or_else(LockError::recover).map_err(|e| e.to_string())?;
        let whole = guard[0] == guard[1] || guard[0] == guard[1] + 1;
        ensure!(whole, "the numbers are {:?}", *guard);
        total.fits(guard[0])
    },
    mail: None,
};

fn both(array: &RawArray<u64>) -> [u64; 2] {
    [0, 1].map(|index| array.load(index, Relaxed).expect("there are two"))
}

pub(super) const WRITE: Game = Game {
    name: "RwLock: written",
    weight: 24,
    play: |player| {
        let (lock, array) = (player.ground.read_lock.clone(), player.ground.both.clone());
        let set = |index, number| array.store(index, number, Relaxed).expect("there are two");
        let _guard = match lock.write_timeout(PATIENCE) {
            Ok(None) => return false,
            Ok(Some(guard)) => guard,
            Err(LockError::OwnerDied(died)) => {
                set(1, both(&array)[0]);
                died.recover()
            }
            Err(error) => panic!("{error}"),
        };
        let [one, other] = both(&array);
        assert_eq!(one, other, "nobody else writes");
        set(0, one + 1);
        player.pause();
        set(1, one + 1);
        true
    },
    judge: |ground, total| total.fits(both(&ground.both)[0]),
    mail: None,
};

pub(super) const READ: Game = Game {
    name: "RwLock: read",
    weight: 24,
    play: |player| {
        let (lock, array) = (player.ground.read_lock.clone(), player.ground.both.clone());
        let before;
        let _guard = match lock.read_timeout(PATIENCE) {
            Ok(None) => return false,
            Ok(Some(guard)) => {
                before = both(&array);
                assert_eq!(before[0], before[1], "nobody writes, and nobody died of it");
                guard
            }
            Err(LockError::OwnerDied(died)) => {
                before = both(&array);
                died.into_inner()
            }
            Err(error) => panic!("{error}"),
        };
        player.pause();
        assert_eq!(both(&array), before, "nobody writes while others read");
        true
    },
    judge: nothing,
    mail: None,
};

pub(super) const NESTED: Game = Game {
    name: "RLock: taken twice",
    weight: 16,
    play: |player| {
        let lock = player.ground.nested.clone();
        let _outer = lock.lock().or_else(LockError::recover).expect("it can be had");
        player.pause();
        drop(lock.lock().or_else(LockError::recover).expect("it can be had twice"));
        true
    },
    judge: |ground, _| {
        ground.nested.lock().or_else(LockError::recover).map(drop).map_err(|e| e.to_string())
    },
    mail: None,
};

/// All permits come back, whoever died with one.
pub(super) const SEMAPHORE: Game = Game {
    name: "Semaphore: acquired",
    weight: 24,
    play: |player: &mut Player| {
        let semaphore = player.ground.semaphore.clone();
        let permit = semaphore.acquire_timeout(PATIENCE);
        player.pause();
        permit.is_some()
    },
    judge: |ground, _| {
        let permits: Vec<_> = (0..PERMITS).map(|_| ground.semaphore.acquire()).collect();
        ensure!(ground.semaphore.try_acquire().is_none(), "there are more than {}", permits.len());
        Ok(())
    },
    mail: None,
};
