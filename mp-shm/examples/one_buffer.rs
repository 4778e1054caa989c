//! Two processes see one buffer: what one writes is there for the other, at the same place, and no
//! byte of it is sent.

use mp_handle::Parcel;
use mp_process::spawn;
use mp_shm::{SegmentError, SharedMemory};

const SIZE: usize = 100 << 20;
const PLACE: usize = 77_777_777;

fn write(buffer: SharedMemory) -> Result<(), SegmentError> {
    let mut question = [0; 4];
    buffer.read(PLACE, &mut question)?;
    assert_eq!(&question, b"ping");
    buffer.write(PLACE, b"pong")
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let buffer = SharedMemory::new(SIZE)?;
    buffer.write(PLACE, b"ping")?;
    spawn(write, (buffer.clone(),))?.join()??;

    let mut answer = [0; 4];
    buffer.read(PLACE, &mut answer)?;
    assert_eq!(&answer, b"pong");
    println!("the child wrote {:?} at {PLACE}", str::from_utf8(&answer)?);

    let sent = Parcel::encode(&buffer)?.bytes().len();
    assert!(sent < 100);
    println!("bytes in the buffer: {SIZE}, bytes sent: {sent}");
    Ok(())
}
