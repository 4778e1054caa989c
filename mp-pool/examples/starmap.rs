//! A function of several arguments is called for each tuple.

use mp_pool::Pool;

/// The sum of the multiples of `step`, from `start` up to `end`.
fn sum_of_range(start: u64, end: u64, step: usize) -> u64 {
    (start..end).step_by(step).sum()
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::new(4)?;
    let ranges = (1..=4).map(|step| (0, 1_000_000, step));
    println!("{:?}", pool.starmap(sum_of_range, ranges)?);
    Ok(())
}
