//! Chaos: many processes do everything at once, and others kill, stop and interrupt them.
//!
//! | file | what |
//! |---|---|
//! | `director.rs` | starts players, and strikes them as its seed says |
//! | `player.rs` | one process at play, whose games are chosen by the same seed |
//! | `games/` | what players do, and what must hold in the end |
//! | `journal.rs` | what a player was told that it had done, in memory that survives it |
//! | `books.rs`, `mail.rs` | all journals together, compared with what is there in the end |
//! | `ground.rs` | the objects |
//!
//! The same seed gives the same strikes, and to the same player the same games; how these fall
//! together is up to the system. What was acknowledged is compared exactly: one who is killed over
//! something leaves the doubt whether that one thing was done, and no other.

mod books;
mod director;
mod games;
mod ground;
mod interrupt;
mod journal;
mod mail;
mod player;

use std::process::ExitCode;
use std::time::Duration;

use mp_manager::Manager;
use nix::sys::prctl;

use crate::operation::Verdict;
use crate::remains::{descriptors, no_descriptor_left, no_process_left};
use director::Director;
use ground::Ground;

/// Plays for so long; fails if anything is not as it should be.
pub(crate) fn run(duration: Duration, seed: u64) -> anyhow::Result<ExitCode> {
    println!("chaos for {} s, by seed {seed}", duration.as_secs());
    // Whom a player has left behind would be a child of this process.
    prctl::set_child_subreaper(true)?;
    let before = descriptors();
    let nothing_left = || no_process_left().and_then(|()| no_descriptor_left(before));
    Ok(match play(duration, seed)?.and_then(|()| nothing_left()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(violations) => {
            println!("violations, by seed {seed}:\n{violations}");
            ExitCode::FAILURE
        }
    })
}

fn play(duration: Duration, seed: u64) -> anyhow::Result<Verdict> {
    let manager = Manager::start()?;
    let ground = Ground::new(&manager).map_err(anyhow::Error::from_boxed)?;
    let mut director = Director::new(ground, seed)?;
    director.direct(duration)?;
    Ok(director.conclude())
}
