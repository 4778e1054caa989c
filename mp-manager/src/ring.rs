//! What a local client and the server share: one region with two rings, and a socket beside it.
//!
//! ```text
//! offset 0                 ring
//!        | requests        | answers       |
//! ```
//!
//! The client makes the region, so that it is in its account, and sends it over the socket when it
//! connects. Frames go through the rings. The body of a frame that is too long for a ring, or has
//! descriptors, goes over the socket first, tagged with the frame's id; the frame then has
//! [`SPILLED`] set in its op or status. The end of the socket is the end of the other side.

use mp_handle::{Bell, Kind, Parcel, Post, Region, RegionError, ring_size};
use rustix::event::{PollFd, PollFlags, Timespec};
use serde::{Deserialize, Serialize};

use crate::wire::PROTOCOL;

/// The capacity of each ring, in bytes: up to half of it goes as one frame, a thousand and more
/// entries of a dict among them.
pub(crate) const RING: usize = 128 << 10;
pub(crate) const REQUESTS: usize = 0;
pub(crate) const ANSWERS: usize = ring_size(RING);
const SIZE: usize = ANSWERS + ring_size(RING);

const KIND: Kind = Kind::new(0x11, "manager client");

/// Set in the op of a request, or the status of an answer, whose body went over the socket.
pub(crate) const SPILLED: u8 = 0x80;

/// What a client says first.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) protocol: u32,
    pub(crate) region: Region,
}

/// What the server answers: how to wake it, or why not.
#[derive(Serialize, Deserialize)]
pub(crate) enum Welcome {
    Admitted { bell: Bell, max_frame: usize },
    Refused(String),
}

impl Hello {
    pub(crate) fn new() -> Result<Self, RegionError> {
        Ok(Self { protocol: PROTOCOL, region: Region::create(KIND, 0, SIZE)? })
    }

    /// Whether it is one that this server can serve, and the region if so.
    pub(crate) fn check(self) -> Result<Region, String> {
        if self.protocol != PROTOCOL {
            return Err(format!("a client of protocol {}, not {PROTOCOL}", self.protocol));
        }
        self.region.expect(KIND, 0).map_err(|error| error.to_string())?;
        if self.region.len() < SIZE {
            return Err(String::from("a region too small for two rings"));
        }
        Ok(self.region)
    }
}

/// Tells whether the other end of a socket is closed, whatever there is left to read.
pub(crate) fn is_hung_up(socket: &Post) -> bool {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [PollFd::new(socket, PollFlags::empty())];
    let polled = rustix::event::poll(&mut fds, Some(&at_once));
    polled.is_ok() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

/// Receives the parcel with this tag. Those before it belong to frames that were never published.
pub(crate) fn receive_spilled(socket: &Post, wanted: u64) -> Option<Parcel> {
    loop {
        match socket.try_receive() {
            Ok(Some((tag, parcel))) if tag == wanted => return Some(parcel),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return None,
        }
    }
}
