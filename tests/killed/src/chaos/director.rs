//! [`Director`]: starts players, strikes them, and keeps the books on them.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mp_process::{Failure, JoinError, Process};
use nix::sys::signal::Signal;

use super::books::Books;
use super::games::GAMES;
use super::ground::Ground;
use super::interrupt::INTERRUPT;
use super::journal::Journal;
use super::player;
use crate::operation::Verdict;
use crate::random::Random;

/// How many play at the same time.
const PLAYERS: usize = 6;

/// How long a player may take for one game, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest time between two strikes, in milliseconds, and that for which one is stopped.
const BETWEEN: usize = 30;
const STOPPED: usize = 60;

/// A player, as seen from outside.
struct Seat {
    number: u64,
    process: Process<()>,
    journal: Journal,
    /// How many games it had ended when, so far the last time.
    steps: (u64, Instant),
    /// It is stopped up to then.
    resumes: Option<Instant>,
    /// It was sent something of which it may have died.
    is_struck: bool,
}

/// Who plays, and what came of those who did.
pub(super) struct Director {
    ground: Ground,
    seed: u64,
    random: Random,
    seats: Vec<Seat>,
    players: u64,
    books: Books,
    strikes: [u64; 3],
    watch: Watch,
}

impl Director {
    pub(super) fn new(ground: Ground, seed: u64) -> anyhow::Result<Director> {
        let (seats, books, watch) = (Vec::new(), Books::default(), Watch::start());
        let (random, strikes) = (Random::new(seed), [0; 3]);
        let mut director =
            Director { ground, seed, random, seats, players: 0, books, strikes, watch };
        for _ in 0..PLAYERS {
            director.start_player()?;
        }
        Ok(director)
    }

    fn start_player(&mut self) -> anyhow::Result<()> {
        self.players += 1;
        let (number, journal) = (self.players, Journal::new()?);
        let args = (self.ground.clone(), journal.clone(), number, self.seed);
        let process = Process::builder().name(format!("player {number}"));
        let process = process.spawn(player::play, args)?;
        let steps = (0, Instant::now());
        self.seats.push(Seat { number, process, journal, steps, resumes: None, is_struck: false });
        Ok(())
    }

    /// Strikes players for so long, and has others take the places of those who end.
    pub(super) fn direct(&mut self, duration: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + duration;
        while Instant::now() < end {
            self.watch.alive("strikes");
            thread::sleep(Duration::from_millis(1 + self.random.below(BETWEEN) as u64));
            self.strike();
            self.tend();
            while self.seats.len() < PLAYERS {
                self.start_player()?;
            }
        }
        Ok(())
    }

    fn strike(&mut self) {
        let chance = self.random.below(10);
        let (place, pause) = (self.random.below(self.seats.len()), self.random.below(STOPPED));
        let seat = &mut self.seats[place];
        // That it may have ended by itself is found out later.
        let (kind, _) = match chance {
            0..4 => (0, seat.process.kill()),
            4..7 => {
                seat.resumes = Some(Instant::now() + Duration::from_millis(pause as u64));
                (1, seat.process.send_signal(Signal::SIGSTOP as i32))
            }
            _ => (2, seat.process.send_signal(INTERRUPT as i32)),
        };
        seat.is_struck |= kind != 1;
        self.strikes[kind] += 1;
    }

    /// Lets those go on whose time is over, and takes the journals of those who have ended.
    fn tend(&mut self) {
        let now = Instant::now();
        for seat in std::mem::take(&mut self.seats) {
            self.watch.alive("a look at players");
            self.tend_one(seat, now);
        }
    }

    fn tend_one(&mut self, mut seat: Seat, now: Instant) {
        if seat.resumes.is_some_and(|resumes| resumes <= now) {
            seat.resume();
        }
        if let Some(ended) = seat.process.try_join() {
            return self.bury(&seat, ended.err());
        }
        let steps = seat.journal.steps();
        if steps != seat.steps.0 || seat.resumes.is_some() {
            seat.steps = (steps, now);
        }
        if now - seat.steps.1 > PATIENCE {
            return self.give_up(seat);
        }
        self.seats.push(seat);
    }

    /// Enters into the books what came of a player.
    fn bury(&mut self, seat: &Seat, failed: Option<JoinError>) {
        self.books.enter(seat.number, &seat.journal);
        match failed.as_ref().map(JoinError::failure) {
            None => {}
            Some(Failure::Signaled { .. } | Failure::FailedToStart { .. }) if seat.is_struck => {}
            Some(failure) => self.books.violate(format!("player {} {failure}", seat.number)),
        }
    }

    fn give_up(&mut self, mut seat: Seat) {
        let game = seat.journal.playing().map_or("no game", |game| GAMES[game].name);
        self.books.violate(format!("player {} hangs: {game}", seat.number));
        // It has to make room for the judgement; what it was at is in doubt.
        seat.is_struck = true;
        let _ = seat.process.kill();
        seat.process.wait();
        self.bury(&seat, None);
    }

    /// Lets all come to an end, and compares.
    pub(super) fn conclude(mut self) -> Verdict {
        self.ground.is_over.set(1);
        self.seats.iter_mut().for_each(Seat::resume);
        while !self.seats.is_empty() {
            self.tend();
            thread::sleep(Duration::from_millis(1));
        }
        let watch = &self.watch;
        self.books.judge(&self.ground, |what| watch.alive(what));
        let [kills, stops, interrupts] = self.strikes;
        print!("{}", self.books);
        println!("{} players, {kills} kills, {stops} stops, {interrupts} interrupts", self.players);
        self.books.violations()
    }
}

impl Seat {
    fn resume(&mut self) {
        self.resumes = None;
        let _ = self.process.send_signal(Signal::SIGCONT as i32);
    }
}

/// Ends this process, and with it all, should it hang itself.
struct Watch(Arc<Mutex<(Instant, String)>>);

impl Watch {
    fn start() -> Watch {
        let last = Arc::new(Mutex::new((Instant::now(), String::new())));
        let seen = Arc::downgrade(&last);
        thread::spawn(move || {
            while let Some(last) = seen.upgrade() {
                let (since, what) = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if since.elapsed() > PATIENCE {
                    println!("the survivors hang: {what}");
                    process::exit(1);
                }
                drop(last);
                thread::sleep(Duration::from_millis(100));
            }
        });
        Watch(last)
    }

    fn alive(&self, what: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (Instant::now(), what.to_owned());
    }
}
