//! A frame of 4K video goes through three processes, and is copied by none: one draws it, then it
//! is sealed, and two look at it in place.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use mp_process::spawn;
use mp_shm::{SealedMemory, SegmentError, SharedMemory};

const WIDTH: usize = 3840;
const HEIGHT: usize = 2160;
const ROW: usize = WIDTH * 3;

/// Draws a sky that gets darker from row to row.
fn draw(frame: SharedMemory) -> Result<(), SegmentError> {
    for row in 0..HEIGHT {
        let blue = 255 - (row * 256 / HEIGHT) as u8;
        frame.write(row * ROW, &[0, 0, blue].repeat(WIDTH))?;
    }
    Ok(())
}

/// Returns the mean blue of some rows, and the number of the file that the memory is.
fn look(frame: SealedMemory, first: usize, count: usize) -> Result<(u64, u64), String> {
    let rows = &frame[first * ROW..(first + count) * ROW];
    let sum: u64 = rows.chunks_exact(3).map(|pixel| u64::from(pixel[2])).sum();
    let file = file_of(&frame).map_err(|error| error.to_string())?;
    Ok((sum / (count * WIDTH) as u64, file))
}

fn file_of(frame: &SealedMemory) -> io::Result<u64> {
    Ok(File::from(frame.as_fd().try_clone_to_owned()?).metadata()?.ino())
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let frame = SharedMemory::new(ROW * HEIGHT)?;
    spawn(draw, (frame.clone(),))?.join()??;

    let frame = frame.seal()?;
    let top = spawn(look, (frame.clone(), 0, HEIGHT / 2))?;
    let bottom = spawn(look, (frame.clone(), HEIGHT / 2, HEIGHT / 2))?;
    let ((above, first), (below, second)) = (top.join()??, bottom.join()??);

    assert_eq!([first, second], [file_of(&frame)?; 2]);
    assert_eq!((above, below), (191, 63));
    println!("bytes of the frame: {}", frame.len());
    println!("mean blue: {above} above, {below} below");
    println!("all processes have the same memory");
    Ok(())
}
