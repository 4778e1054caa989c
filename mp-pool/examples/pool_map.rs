//! A function is called for each item by other processes; the results keep the order.

use mp_pool::Pool;

fn sum_of_squares(n: u64) -> u64 {
    (0..n).map(|i| i * i).sum()
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::new(4)?;
    println!("{:?}", pool.map(sum_of_squares, [1_000_000, 2_000_000, 3_000_000])?);
    println!("{:?}", pool.map(|n: i32| 2 * n, 1..=3)?);
    println!("{:?}", pool.map(|n: i32| n * n, [1, 2, 3, 4])?);
    Ok(())
}
