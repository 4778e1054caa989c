//! Shared memory: each addition counts once, and a part is one process's.

use std::sync::atomic::Ordering::Relaxed;

use mp_shm::{LockError, ShareableList};

use super::{Game, nothing};
use crate::chaos::ground::PLACES;
use crate::chaos::player::PATIENCE;
use crate::operation::ensure;

/// A player may have so much at a time; there are few of them.
const MUCH_BYTES: usize = 16 << 20;

const PAGE: usize = 4096;

pub(super) const COUNTER: Game = Game {
    name: "RawArray: added to",
    weight: 32,
    play: |player| {
        let place = player.random.below(PLACES);
        player.ground.counters.fetch_add(place, 1, Relaxed).expect("there is such a place");
        true
    },
    judge: |ground, total| total.fits(ground.counters.to_vec().iter().sum()),
    mail: None,
};

pub(super) const PART: Game = Game {
    name: "ArrayPart: claimed and filled",
    weight: 32,
    play: |player| {
        let array = player.ground.parts.clone();
        let start = player.random.below(array.len());
        let end = (start + 1 + player.random.below(8)).min(array.len());
        let part = array.part(start..end);
        let mut guard = match part.claim_timeout(PATIENCE) {
            Ok(None) => return false,
            Ok(Some(guard)) => guard,
            Err(LockError::OwnerDied(died)) => {
                assert_ne!(died.process(), Some(0), "nobody has the number 0");
                drop(died);
                drop(array.lock().or_else(LockError::recover).expect("it can be had"));
                return false;
            }
            Err(error) => panic!("{error}"),
        };
        guard.fill(player.number);
        player.pause();
        let is_ours = guard.iter().all(|&element| element == player.number);
        assert!(is_ours, "somebody else wrote into our part: {guard:?}");
        true
    },
    judge: |ground, _| {
        drop(ground.parts.lock().or_else(LockError::recover).map_err(|e| e.to_string())?);
        let all = ground.parts.part(0..ground.parts.len());
        let free = all.try_claim().map_err(|error| error.to_string())?;
        ensure!(free.is_some(), "somebody dead has a part");
        Ok(())
    },
    mail: None,
};

pub(super) const LIST: Game = Game {
    name: "ShareableList: made and set",
    weight: 1,
    play: |player| {
        let list = ShareableList::new([1, 2, 3]).expect("there is memory");
        let number = i64::try_from(player.number).expect("a small number");
        list.set(1, number).expect("it fits");
        assert_eq!(list.count(number).ok(), Some(1 + usize::from([1, 3].contains(&number))));
        true
    },
    judge: nothing,
    mail: None,
};

/// Others have less memory meanwhile.
pub(super) const MUCH: Game = Game {
    name: "memory: much taken",
    weight: 1,
    play: |player| {
        let len = 1 + player.random.below(MUCH_BYTES);
        let mut bytes = Vec::<u8>::new();
        // It may have a limit.
        if bytes.try_reserve_exact(len).is_err() {
            return false;
        }
        bytes.resize(len, 0);
        bytes.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
        player.pause();
        bytes.iter().step_by(PAGE).all(|&byte| byte == 1)
    },
    judge: nothing,
    mail: None,
};
