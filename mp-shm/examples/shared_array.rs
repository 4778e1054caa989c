//! Ten processes each set one element of an array.

use mp_process::spawn;
use mp_shm::Array;

fn set(array: Array<f64>, index: usize, value: f64) {
    array.set(index, value).unwrap();
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let array = Array::zeroed(10)?;
    let children: Result<Vec<_>, _> = (0..array.len())
        .map(|index| spawn(set, (array.clone(), index, index as f64 * 1.5)))
        .collect();
    for child in children? {
        child.join()?;
    }
    println!("{:?}", array.to_vec()?);
    Ok(())
}
