//! Kills a process at every instruction of every operation, and asks those who survive.
//!
//! ```sh
//! cargo run --release -p mp-killed                  # all
//! cargo run --release -p mp-killed -- --sample 30   # thirty places of each operation
//! cargo run --release -p mp-killed -- --only Lock --report REPORT.md
//! cargo run --release -p mp-killed -- --chaos 60    # many at once, struck at random
//! ```
//!
//! An operation is performed by a child that a tracer steps through it, one instruction at a time,
//! to count them. Then, for each of the places between two instructions, a fresh child is stepped
//! to it and killed there. What it shared is then checked by those who shared it. If they hang, a
//! watchdog says so.
//!
//! | process | file | does |
//! |---|---|---|
//! | the program | `run.rs` | starts a stage for each operation, keeps watch, writes the report |
//! | a stage | `stage.rs` | sets the scene, traces, kills, and checks as a survivor |
//! | the victim | `birth.rs`, `victim.rs` | performs the operation until it is killed |
//! | a partner | `partner.rs` | holds a lock or waits for one, if the operation needs somebody |
//!
//! Stage, victim and partners are on one processor: there a step costs a few microseconds and not
//! seventy, and nobody spins.

mod birth;
mod chaos;
mod fork;
mod machine;
mod notes;
mod operation;
mod operations;
mod options;
mod partner;
mod path;
mod plan;
mod random;
mod remains;
mod report;
mod run;
mod shared;
mod stage;
mod victim;
mod zombie;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use nix::sys::personality::{self, Persona};

use options::Options;

fn main() -> anyhow::Result<ExitCode> {
    mp_process::init();
    let options = Options::parse();
    if let Some(name) = &options.perform {
        stage::perform(name, &options, io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(seconds) = options.chaos {
        return chaos::run(Duration::from_secs(seconds), options.seed);
    }
    if let Err(error) = birth::try_out() {
        println!("skipped: this system does not let processes be traced: {error}");
        return Ok(ExitCode::SUCCESS);
    }
    // The same addresses in each run: what is hashed by them takes the same path.
    personality::set(personality::get()? | Persona::ADDR_NO_RANDOMIZE)?;
    let outcomes = run::all(&options)?;
    if let Some(file) = &options.report {
        std::fs::write(file, report::markdown(&outcomes, &options))?;
    }
    Ok(report::conclude(&outcomes))
}
