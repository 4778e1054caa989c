//! The lobby: peers whose handshake is not done.
//!
//! All of them are heard at once through one epoll descriptor, together with the listening socket
//! and a timer for the first who has had time enough. So the descriptor is readable whenever there
//! is something to do, and nobody waits for a silent peer. When the lobby is full, the listening
//! socket is not heard until somebody has left: the others wait in the backlog of the system.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use mp_handle::Deadline;
use rustix::event::{Timespec, epoll};
use rustix::io::retry_on_intr;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use super::peer::Peer;
use crate::auth::Exchange;

/// How many peers may be at their handshake.
const PLACES: usize = 64;
const DOOR: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;

/// Somebody at the handshake.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) exchange: Exchange,
    pub(super) peer: Peer,
    pub(super) deadline: Deadline,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Somebody knocks.
    Knock,
    /// The guest in this place has said something.
    Word(usize),
}

/// The places, and the descriptor through which all are heard.
#[derive(Debug)]
pub(super) struct Lobby {
    epoll: OwnedFd,
    timer: OwnedFd,
    places: Vec<Option<Guest>>,
}

impl Lobby {
    pub(super) fn new(door: impl AsFd) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        add(&epoll, door.as_fd(), DOOR)?;
        add(&epoll, timer.as_fd(), TIMER)?;
        let places = std::iter::repeat_with(|| None).take(PLACES).collect();
        Ok(Self { epoll, timer, places })
    }

    /// Returns what is to be done now, and shows those out whose time is over; returns how many.
    pub(super) fn events(&mut self) -> io::Result<(Vec<Event>, u64)> {
        let mut events = Vec::with_capacity(PLACES + 2);
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        retry_on_intr(|| {
            let space = rustix::buffer::spare_capacity(&mut events);
            epoll::wait(&self.epoll, space, Some(&at_once))
        })?;
        let refused = self.show_out();
        let events = events.into_iter().filter_map(|event| match event.data.u64() {
            DOOR => Some(Event::Knock),
            TIMER => None,
            place => usize::try_from(place).ok().map(Event::Word),
        });
        Ok((events.collect(), refused))
    }

    /// Returns the guest in a place, if there still is one.
    pub(super) fn guest(&mut self, place: usize) -> Option<&mut Guest> {
        self.places.get_mut(place)?.as_mut()
    }

    /// Lets a guest go.
    pub(super) fn leave(&mut self, place: usize) -> Option<Guest> {
        let guest = self.places.get_mut(place)?.take()?;
        // The descriptor may live on as a connection, so closing it does not do.
        let _ = epoll::delete(&self.epoll, guest.exchange.socket());
        Some(guest)
    }

    /// Gives a guest one of the places, of which there must be one.
    pub(super) fn enter(&mut self, guest: Guest) -> io::Result<()> {
        let free = self.places.iter().position(Option::is_none);
        let place = free.ok_or(io::ErrorKind::WouldBlock)?;
        add(&self.epoll, guest.exchange.socket().as_fd(), place as u64)?;
        self.places[place] = Some(guest);
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.places.iter().all(Option::is_some)
    }

    /// Makes ready for a sleep on the descriptor: sets the timer, and hears the door or not.
    pub(super) fn settle(&self, door: impl AsFd) -> io::Result<()> {
        let first = self.places.iter().flatten().map(|guest| guest.deadline).min();
        let left = first.and_then(Deadline::remaining);
        // Zero would switch the timer off.
        let left = left.map_or(Duration::ZERO, |left| left.max(Duration::from_nanos(1)));
        // One too long for the system is as good as the longest.
        let it_value = left.try_into().unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
        let it_interval = Timespec::default();
        let time = Itimerspec { it_interval, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &time)?;
        let heard = if self.is_full() { epoll::EventFlags::empty() } else { epoll::EventFlags::IN };
        Ok(epoll::modify(&self.epoll, door, epoll::EventData::new_u64(DOOR), heard)?)
    }

    fn show_out(&mut self) -> u64 {
        let mut refused = 0;
        for place in 0..self.places.len() {
            if self.guest(place).is_some_and(|guest| guest.deadline.is_expired()) {
                self.leave(place);
                refused += 1;
            }
        }
        refused
    }
}

impl AsFd for Lobby {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

fn add(epoll: &OwnedFd, fd: BorrowedFd<'_>, data: u64) -> io::Result<()> {
    let data = epoll::EventData::new_u64(data);
    Ok(epoll::add(epoll, fd, data, epoll::EventFlags::IN)?)
}
