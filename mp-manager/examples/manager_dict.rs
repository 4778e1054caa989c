//! Five processes fill a dict that a manager serves.

use mp_manager::{DictProxy, Manager};
use mp_process::spawn;

fn fill(dict: DictProxy<String, u32>, number: u32) {
    dict.set(&format!("key_{number}"), &(number * 10)).unwrap();
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manager = Manager::start()?;
    let dict = manager.dict()?;
    let children: Result<Vec<_>, _> = (0..5).map(|n| spawn(fill, (dict.clone(), n))).collect();
    for child in children? {
        child.join()?;
    }
    let mut entries = dict.snapshot()?;
    entries.sort_unstable();
    println!("{entries:?}");
    Ok(())
}
