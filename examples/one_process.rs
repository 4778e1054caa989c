//! Runs a function in a process of its own, and waits for it.

use multiprocess as mp;

fn task() {
    println!("Process is running");
}

fn worker(number: u32) {
    println!("Worker: {number}");
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    mp::spawn(task, ())?.join()?;

    // Arguments are a tuple.
    mp::spawn(worker, (1,))?.join()?;

    // A closure serves as well, as long as it captures nothing.
    mp::spawn(|| println!("Worker process"), ())?.join()?;
    Ok(())
}
