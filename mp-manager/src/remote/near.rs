//! [`Near`]: when to look for bytes before sleeping, over TCP on one machine.
//!
//! To be woken costs more than all the rest of a round trip there. The system knows on which
//! processor the last packet was received, and over the loopback interface that is where the other
//! side has sent it: if it is another one than ours, looking for a moment pays. See
//! [`spin`](mp_handle::spin()).

use std::io::{self, ErrorKind};

use mp_handle::{Deadline, LastCpu, spin};

use super::stream::Stream;

/// Where the other side was last seen, on this machine.
#[derive(Debug, Default)]
pub(super) struct Near(LastCpu);

impl Near {
    /// `None` if the other side is on another machine, or the system does not say where.
    pub(super) fn find(stream: &Stream) -> Option<Self> {
        stream.is_loopback().then(Self::default)
    }

    /// Notes where the other side was when it sent what has just come.
    pub(super) fn note(&self, stream: &Stream) {
        if let Ok(cpu) = stream.incoming_cpu() {
            self.0.note(cpu.wrapping_add(1));
        }
    }

    /// Looks for a moment whether there is something to read; returns what came of it, if there is.
    pub(super) fn spin<T>(
        &self,
        deadline: Deadline,
        mut read: impl FnMut() -> io::Result<T>,
    ) -> Option<io::Result<T>> {
        let mut result = None;
        spin(&self.0, deadline, || match read() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            other => {
                result = Some(other);
                true
            }
        });
        result
    }
}
