//! What processes compute is what a loop computes.

use mp_pool::Pool;

fn sum_of_squares(n: u64) -> u64 {
    (0..n).map(|i| i * i).sum()
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sizes = [1_000_000; 8];
    let in_a_loop = sizes.map(sum_of_squares);
    let in_parallel = Pool::new(4)?.map(sum_of_squares, sizes)?;
    assert_eq!(in_a_loop, *in_parallel);
    println!("eight times {}", in_parallel[0]);
    Ok(())
}
