//! Frames of 4K video through three processes, none of which copies them.
//!
//! There are three frames in memory that all have. What goes from one process to the next is a number:
//! which frame it is, and it comes back when the last one has looked at it. The stages work at the
//! same time, each on another frame. The end of the first is the end of all.

use mp::{Array, Receiver, Sender};
use multiprocess as mp;

/// Four bytes for each pixel, eight in each word.
const WORDS: usize = 3840 * 2160 / 2;
const FRAMES: u8 = 8;

/// Takes pictures: each is one grey, a little lighter than the one before.
fn camera(frames: Vec<Array<u64>>, free: Receiver<usize>, taken: Sender<usize>) {
    for number in 1..=FRAMES {
        let Ok(place) = free.recv() else { return };
        frames[place].lock().unwrap().fill(u64::from_ne_bytes([number; 8]));
        taken.send(place).unwrap();
    }
}

/// Makes negatives.
fn laboratory(frames: Vec<Array<u64>>, taken: Receiver<usize>, developed: Sender<usize>) {
    for place in taken {
        frames[place].lock().unwrap().iter_mut().for_each(|word| *word = !*word);
        developed.send(place).unwrap();
    }
}

/// Looks at the middle of each, and lets it be used again.
fn cinema(frames: Vec<Array<u64>>, developed: Receiver<usize>, free: Sender<usize>) -> Vec<u8> {
    let mut seen = Vec::new();
    for place in developed {
        seen.push(frames[place].lock().unwrap()[WORDS / 2].to_ne_bytes()[0]);
        // The camera may have gone home.
        let _ = free.send(place);
    }
    seen
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let frames = [(); 3].map(|()| Array::zeroed(WORDS));
    let frames = frames.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (free, frees) = mp::channel()?;
    let (taken, takes) = mp::channel()?;
    let (developed, developments) = mp::channel()?;
    for place in 0..frames.len() {
        free.send(place)?;
    }
    let camera = mp::spawn(camera, (frames.clone(), frees, taken))?;
    let laboratory = mp::spawn(laboratory, (frames.clone(), takes, developed))?;
    let cinema = mp::spawn(cinema, (frames, developments, free))?;

    camera.join()?;
    laboratory.join()?;
    println!("{} megabytes a frame, {FRAMES} frames: {:?}", WORDS * 8 / 1_000_000, cinema.join()?);
    Ok(())
}
