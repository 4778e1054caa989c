//! Processes count with one number. The lock of the value keeps every increment.

use mp_process::spawn;
use mp_shm::Value;

fn increment(counter: Value<i32>, times: usize) {
    for _ in 0..times {
        *counter.lock().unwrap() += 1;
    }
}

/// Lets so many processes increment a counter, each so many times; returns what it says then.
fn count(processes: usize, times: usize) -> Result<i32, Box<dyn std::error::Error>> {
    let counter = Value::new(0)?;
    let children: Result<Vec<_>, _> =
        (0..processes).map(|_| spawn(increment, (counter.clone(), times))).collect();
    for child in children? {
        child.join()?;
    }
    Ok(counter.get()?)
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("Final counter value: {}", count(4, 25_000)?);
    println!("{}", count(10, 1)?);
    Ok(())
}
