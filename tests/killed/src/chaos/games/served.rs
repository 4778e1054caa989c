//! A manager's objects: what is acknowledged is done once, and the dead give back.

use std::time::Duration;

use super::{Game, Line};
use crate::chaos::ground::PLACES;
use crate::chaos::player::PATIENCE;
use crate::operation::ensure;

/// The line of the queue.
const SERVED: usize = 3;

pub(super) const SUM: Game = Game {
    name: "Manager: value updated",
    weight: 24,
    play: |player| {
        let key = player.random.below(PLACES) as u32;
        let add = |sum: &mut u64| *sum += 1;
        player.ground.sums.upsert_with(&key, &0, add, ()).expect("the server lives");
        true
    },
    judge: |ground, total| {
        let values = ground.sums.values().map_err(|error| error.to_string())?;
        total.fits(values.iter().sum())
    },
    mail: None,
};

pub(super) const PUT: Game = Game {
    name: "Manager: put into a queue",
    weight: 20,
    play: |player| {
        let message = player.next_message(SERVED);
        let put = player.ground.served.put_timeout(&message, PATIENCE);
        let is_put = put.expect("the server lives");
        if is_put {
            player.note_put(SERVED);
        }
        is_put
    },
    judge: super::nothing,
    mail: Some(Line { number: SERVED, is_got: false, take: |_| None }),
};

pub(super) const GOT: Game = Game {
    name: "Manager: got from a queue",
    weight: 20,
    play: |player| {
        let got = player.ground.served.get_timeout(PATIENCE).expect("the server lives");
        if let Some(message) = got {
            player.note_got(SERVED, message);
        }
        got.is_some()
    },
    judge: super::nothing,
    mail: Some(Line {
        number: SERVED,
        is_got: true,
        take: |ground| ground.served.try_get().ok().flatten(),
    }),
};

pub(super) const LOCK: Game = Game {
    name: "Manager: lock taken",
    weight: 16,
    play: |player| {
        let lock = player.ground.served_lock.clone();
        let guard = lock.lock_timeout(PATIENCE).expect("the server lives");
        player.pause();
        guard.is_some()
    },
    judge: |ground, _| {
        // The server may not have heard of the last death yet.
        let guard = ground.served_lock.lock_timeout(Duration::from_secs(30));
        let guard = guard.map_err(|error| error.to_string())?;
        ensure!(guard.is_some(), "somebody dead has the lock");
        Ok(())
    },
    mail: None,
};
