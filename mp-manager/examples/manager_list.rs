//! Five processes append to a list that a manager serves.

use mp_manager::{ListProxy, Manager};
use mp_process::spawn;

fn append(list: ListProxy<u32>, number: u32) {
    list.push(&number).unwrap();
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manager = Manager::start()?;
    let list = manager.list()?;
    let children: Result<Vec<_>, _> = (0..5).map(|n| spawn(append, (list.clone(), n))).collect();
    for child in children? {
        child.join()?;
    }
    list.sort()?;
    println!("{:?}", list.snapshot()?);
    Ok(())
}
