//! What threads of one process would take: they hand over a small message, or a pointer to a large
//! one, which is never copied.

use std::hint::black_box;
use std::sync::mpsc;

use anyhow::Result;

use super::{MIB, unit};
use crate::duo::{Pace, Partner, Sample, Team, apart, repeat};
use crate::row::System;

pub(super) fn systems(pace: Pace, len: usize) -> [System; 2] {
    match len {
        8 => both(pace, len, || [7_u8; 8]),
        64 => both(pace, len, || [7_u8; 64]),
        _ => both(pace, len, move || vec![7_u8; len]),
    }
}

/// Both with messages such as `make` makes.
fn both<M, F>(pace: Pace, len: usize, make: F) -> [System; 2]
where
    M: Clone + Send + Sync + 'static,
    F: FnOnce() -> M + Copy + Send + 'static,
{
    let crossbeam = stream(pace, len, make, move || {
        let (sender, receiver) = crossbeam_channel::bounded(capacity(len));
        let send = move |message| Ok(sender.send(message)?);
        (send, move || Ok(receiver.recv()?))
    });
    let std = stream(pace, len, make, move || {
        let (sender, receiver) = mpsc::sync_channel(capacity(len));
        let send = move |message| Ok(sender.send(message)?);
        (send, move || Ok(receiver.recv()?))
    });
    [System::ceiling("crossbeam bounded", crossbeam), System::ceiling("std mpsc sync", std)]
}

/// So many messages may wait to be received.
fn capacity(len: usize) -> usize {
    (64 * MIB / len).clamp(1, 1024)
}

fn stream<M, S, R>(
    pace: Pace,
    len: usize,
    make: impl FnOnce() -> M + Send + 'static,
    channel: impl FnOnce() -> (S, R) + 'static,
) -> impl FnOnce() -> Result<Sample>
where
    M: Clone + 'static,
    S: Fn(M) -> Result<()> + Send + 'static,
    R: Fn() -> Result<M> + 'static,
{
    apart(pace, unit(len).1, move |there| {
        let (send, receive) = channel();
        let partner = Partner::thread(there, move || {
            let message = make();
            Ok(repeat(move || send(message.clone())))
        })?;
        let work = repeat(move || {
            black_box(receive()?);
            Ok(())
        });
        Ok(Team::pair(partner, work))
    })
}
