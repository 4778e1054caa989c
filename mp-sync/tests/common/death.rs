//! Processes that are killed at moments nobody chose.

use std::time::{Duration, Instant};

use mp_process::Process;

use super::random::Random;

/// How many processes a test kills: `MP_DEATHS`, or a few.
pub(crate) fn deaths() -> u32 {
    std::env::var("MP_DEATHS").ok().and_then(|deaths| deaths.parse().ok()).unwrap_or(30)
}

/// Lets some time pass, up to three milliseconds, without sleeping.
pub(crate) fn a_moment(random: &mut Random) {
    let (start, end) = (Instant::now(), Duration::from_micros(random.below(3000).into()));
    while start.elapsed() < end {
        std::hint::spin_loop();
    }
}

/// Kills a process that would not end by itself.
pub(crate) fn kill<R: serde::de::DeserializeOwned + std::fmt::Debug>(victim: Process<R>) {
    victim.kill().unwrap();
    victim.join().unwrap_err();
}
