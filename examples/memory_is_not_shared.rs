//! Each process has its own memory: what one writes into a static, the others do not see.

use std::sync::atomic::{AtomicU32, Ordering};

use multiprocess as mp;

static COUNTER: AtomicU32 = AtomicU32::new(0);

fn count_to(n: u32) -> u32 {
    for _ in 0..n {
        COUNTER.fetch_add(1, Ordering::Relaxed);
    }
    COUNTER.load(Ordering::Relaxed)
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    COUNTER.store(5, Ordering::Relaxed);
    println!("child: {}", mp::spawn(count_to, (100,))?.join()?);
    println!("parent: {}", COUNTER.load(Ordering::Relaxed));
    Ok(())
}
