//! Items are drawn as results are taken: in their order, or whichever is there first.

use std::thread;
use std::time::Duration;

use mp_pool::Pool;

/// The first takes long.
fn work(n: u32) -> u32 {
    if n == 0 {
        thread::sleep(Duration::from_millis(300));
    }
    n
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::new(2)?;
    let first: Result<Vec<_>, _> = pool.imap(work, 0..).take(5).collect();
    println!("in order, of a range without end: {:?}", first?);
    let all: Result<Vec<_>, _> = pool.imap_unordered(work, 0..5).collect();
    println!("the slow one comes last: {:?}", all?.last());
    Ok(())
}
