//! Starts several processes at once, and then joins them all.

use std::process::id;

use multiprocess as mp;

fn worker(number: u32) {
    println!("worker {number} in pid {}", id());
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("parent in pid {}", id());
    let mut processes = Vec::new();
    for number in 0..3 {
        processes.push(mp::spawn(worker, (number,))?);
    }
    for process in processes {
        println!("{} {}", process.name(), process.wait());
        process.join()?;
    }
    Ok(())
}
